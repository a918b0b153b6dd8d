import type { Visit } from "../api/types.ts";

const countries = new Intl.DisplayNames("en", { type: "region", fallback: "none" });

/** "Malmö, Sweden"; empty when nothing is known. Countries come as codes or as names. */
export function placeName({ city, country }: Pick<Visit, "city" | "country">): string {
  const name = country && /^[A-Z]{2}$/.test(country) ? (countries.of(country) ?? country) : country;
  return [city, name].filter(Boolean).join(", ");
}
