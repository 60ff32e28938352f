/** What is kept on the phone: the shapes of drafts, records, photos and people's sessions. */

import type { Progress } from "./machine";

export type Activity = "visit" | "study" | "office" | "other";
export type NoPosition = "denied" | "timeout" | "off";
export type MediaType = "image/jpeg" | "image/png" | "image/webp";

/** A fix as the browser gives it, in WGS-84, whatever the map on the same phone shows. */
export interface SentPosition {
  readonly latitude: number;
  readonly longitude: number;
  readonly accuracy_m: number | null;
  readonly crs: "wgs84";
}

export interface Device {
  readonly sent_at?: string;
  readonly skew_s: number | null;
  readonly offline: boolean;
  readonly no_position?: NoPosition;
}

/** A check-in as `PUT /visits/{id}` takes it; `device.sent_at` is put in when it is sent. */
export interface CheckInBody {
  readonly activity: Activity;
  readonly place?: string;
  readonly captured_at: string;
  readonly position: SentPosition | null;
  readonly photos: readonly string[];
  readonly functions: readonly string[];
  readonly note: string;
  readonly device: Device;
}

/** More for a visit that the service has, as `POST /visits/{id}/additions` takes it. */
export interface AdditionBody {
  readonly photos: readonly string[];
  readonly withdrawn: readonly string[];
  readonly note: string;
}

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
  readonly functions: readonly string[];
  readonly note: string;
  readonly photos: readonly DraftPhoto[];
  readonly withdrawn: readonly string[];
  readonly capture: Capture | null;
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
  readonly answer: unknown;
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
