/** How far apart two points are; also for the service worker, which knows nothing of positions. */

/** Metres between two points on a sphere: for people to read; the service measures for itself. */
export function distanceM(
  one: { readonly latitude: number; readonly longitude: number },
  other: { readonly latitude: number; readonly longitude: number },
): number {
  const rad = Math.PI / 180;
  const half = (angle: number): number => Math.sin((angle * rad) / 2) ** 2;
  const h =
    half(other.latitude - one.latitude) +
    Math.cos(one.latitude * rad) * Math.cos(other.latitude * rad) * half(other.longitude - one.longitude);
  return 2 * 6_371_008.8 * Math.asin(Math.min(1, Math.sqrt(h)));
}
