/** What is kept on the phone: the shapes of drafts, records, photos and people's sessions. */

import type { components } from "../../made/api";
import type { Progress } from "./machine";

type Schemas = components["schemas"];
export type Visit = Schemas["VisitOut"];
export type Activity = Schemas["CheckInIn"]["activity"];
export type Function = NonNullable<Schemas["CheckInIn"]["functions"]>[number];
export type NoPosition = NonNullable<Schemas["DeviceIn"]["no_position"]>;
export type MediaType = "image/jpeg" | "image/png" | "image/webp";

/** A fix as the browser gives it, in WGS-84, whatever the map on the same phone shows. */
export type SentPosition = Schemas["PositionIn"] & { accuracy_m: number | null; crs: "wgs84" };

/** A check-in as `PUT /visits/{id}` takes it; `device.sent_at` is put in when it is sent. */
export type CheckInBody = Schemas["CheckInIn"] & {
  position: SentPosition | null;
  device: Schemas["DeviceIn"] & { skew_s: number | null; offline: boolean };
};

/** More for a visit that the service has, as `POST /visits/{id}/additions` takes it. */
export type AdditionBody = Required<Schemas["AdditionIn"]>;

/** Where and when the person stood: taken while they do something else, kept when the app is opened again elsewhere. */
export interface Capture {
  readonly at: number;
  readonly position: SentPosition | null;
  readonly noPosition: NoPosition | null;
  readonly skewS: number | null;
}

export interface DraftPhoto {
  readonly sha256: string;
  readonly type: MediaType;
  readonly size: number;
}

/** What a person is working on: one check-in, or one addition for each visit (`subject`). */
export interface Draft {
  readonly person: string;
  readonly subject: string;
  readonly id: string;
  readonly startedAt: number;
  readonly activity: Activity | null;
  readonly place: string | null;
  readonly functions: readonly Function[];
  readonly note: string;
  readonly photos: readonly DraftPhoto[];
  readonly withdrawn: readonly string[];
  readonly capture: Capture | null;
  /** It was a record before: place and time are that record's. */
  readonly edited?: boolean;
}
export const CHECK_IN = "check-in";

interface Common {
  readonly id: string;
  /** The visit it is about; of a check-in its own id. */
  readonly visit: string;
  readonly person: string;
  readonly savedAt: number;
  readonly photos: readonly DraftPhoto[];
  readonly progress: Progress;
  /** The visit as the service answered last. */
  readonly answer: Visit | null;
}
export interface SavedCheckIn extends Common {
  readonly kind: "check-in";
  readonly body: CheckInBody;
}
export interface SavedAddition extends Common {
  readonly kind: "addition";
  readonly body: AdditionBody;
}
/** One record in the outbox. */
export type Saved = SavedCheckIn | SavedAddition;

/** A photo's bytes as they will be sent, kept under the record they belong to. */
export interface StoredPhoto extends DraftPhoto {
  readonly record: string;
  readonly bytes: ArrayBuffer;
}

/** A person's session on this phone; a dead one was refused by the service. */
export interface Session {
  readonly person: string;
  readonly name: string;
  readonly token: string;
  readonly expiresAt: string;
  readonly dead: boolean;
}

/** The last known answer to something, for times without signal. */
export interface Known {
  readonly person: string;
  readonly name: string;
  readonly value: unknown;
  readonly at: number;
}
