import {
  Autocomplete,
  Button,
  Input,
  ListBox,
  ListBoxItem,
  Popover,
  SearchField,
  Select,
  SelectValue,
  useFilter,
} from "react-aria-components";
import { Below, Caption, type FieldProps, frameOf } from "../design/fields.tsx";
import { Icon } from "../design/icons.tsx";

interface ZoneProps extends FieldProps {
  value: string;
  zones: string[];
  onChange: (zone: string) => void;
}

const shown = (zone: string) => zone.replaceAll("_", " ");

/** One of several hundred time zones: searched, then chosen. */
export function ZoneEntry(props: ZoneProps) {
  const { contains } = useFilter({ sensitivity: "base" });
  return (
    <Select {...frameOf(props)} value={props.value} onChange={(zone) => zone && props.onChange(String(zone))}>
      <Caption {...props} />
      <Button className="select-button">
        <SelectValue className="select-value" />
        <Icon name="down" size={16} />
      </Button>
      <Below {...props} />
      <Popover className="popover zones" offset={4}>
        <Autocomplete filter={contains}>
          <SearchField className="zone-search" aria-label="Search time zones" autoFocus>
            <Icon name="search" size={16} />
            <Input className="zone-input" placeholder="City or region" />
          </SearchField>
          <ListBox
            className="menu"
            items={props.zones.map((zone) => ({ id: zone, name: shown(zone) }))}
            renderEmptyState={() => <p className="zone-none">No such time zone</p>}
          >
            {(zone) => (
              <ListBoxItem id={zone.id} textValue={zone.name} className="menu-item">
                <span className="menu-text">{zone.name}</span>
                <Icon name="check" size={16} className="menu-check" />
              </ListBoxItem>
            )}
          </ListBox>
        </Autocomplete>
      </Popover>
    </Select>
  );
}
