// Devices of other makers as the API has them: sources, mappings, unknown devices, tried messages.
import type { Node } from './types';

export interface ForeignSource {
  name: string;
  lab: Node;
  filters: string[];
  /** Null: none since the gateway started; the same for what follows. */
  last_seen: string | null;
  messages: number;
  /** Its messages come at QoS 0: what is lost on the way is lost. */
  at_most_once: boolean | null;
  denied: Denied | null;
}
/** Whom the broker turned away last. */
export interface Denied {
  at: string;
  count: number;
  why: 'credential' | 'client_id' | 'last_will' | 'topic' | 'subscription';
  topic: string | null;
}
export interface NewSource {
  name: string;
  secret: string;
  mqtt_url: string;
}

export const FORMATS = [
  'tasmota',
  'shelly',
  'zigbee2mqtt',
  'telegraf',
  'sparkplug',
  'free',
] as const;
export interface MappingValue {
  channel: string;
  /** JSON pointer; null: the whole payload. */
  pointer?: string | null;
  unit?: string;
  scale?: number;
}
/** What the form does not show (`devices`, `each`, `time`, `online`) stays as it is. */
export interface MappingSpec {
  format: (typeof FORMATS)[number];
  topic: string;
  instrument: string;
  component?: string | null;
  values?: MappingValue[];
}
export interface Mapping {
  id: number;
  name: string;
  lab: Node;
  mapping: MappingSpec;
  version: number;
}
export interface UnknownDevice {
  id: string;
  source: string;
  lab: Node;
  topic: string;
  payload: string;
  detail: string;
  count: number;
  last_seen: string;
  /** The mapping it looks like; null: of no ready-made format. */
  proposal: Pick<MappingSpec, 'format' | 'topic' | 'component'> | null;
}
/** What would become of a message. */
export interface MessageTest {
  may_send: boolean;
  taken: boolean;
  readings: {
    from: string;
    instrument: string;
    channel: string;
    value: number | null;
    quality: string;
    unit: string;
    time: string;
    time_from: 'arrival' | 'device' | 'doubt';
  }[];
  presence: { instrument: string; online: boolean }[];
  ignored: { what: string; reason: string; detail: string; fault: boolean }[];
}
