import type { Surroundings } from "./shell";
import { openVault, type Vault } from "./vault";
import { countVisits } from "./visits";

/** What is remembered of a visitor, and how they came: one for all parts, or each would count the pages. */
export interface Memory {
  vault: Vault;
  visits: ReturnType<typeof countVisits>;
}

export function memoryOf(around: Surroundings): Memory {
  if (!around.memory) {
    const vault = openVault(around.key);
    around.memory = { vault, visits: countVisits(vault, around.pages) };
  }
  return around.memory;
}
