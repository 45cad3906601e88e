// Time that runs out, as people read it. Pure.
import { DAY_MS, HOUR_MS } from './time';

/** `4:05`, `1:02:09`, `2 d 3:00:00`; `0:00` once it is over. */
export function countdown(leftMs: number): string {
  const seconds = Math.max(0, Math.ceil(leftMs / 1000));
  const two = (n: number) => String(n).padStart(2, '0');
  const [days, rest] = [Math.floor((seconds * 1000) / DAY_MS), seconds % (DAY_MS / 1000)];
  const [hours, minutes] = [Math.floor((rest * 1000) / HOUR_MS), Math.floor((rest % 3600) / 60)];
  const clock =
    hours > 0 || days > 0
      ? `${hours}:${two(minutes)}:${two(rest % 60)}`
      : `${minutes}:${two(rest % 60)}`;
  return days > 0 ? `${days} d ${clock}` : clock;
}
