// A photo made small enough to send: at most so many pixels on its longer side, as JPEG.

export const LONGER_SIDE_PX_MAX = 1600;
const QUALITY = 0.85;

/** Size that keeps the proportions; never larger than the picture is. */
export function fitted(
  width: number,
  height: number,
  most = LONGER_SIDE_PX_MAX,
): { width: number; height: number } {
  const scale = Math.min(1, most / Math.max(width, height, 1));
  const side = (px: number) => Math.max(1, Math.round(px * scale));
  return { width: side(width), height: side(height) };
}

/** Base64 of a JPEG of the picture in `file`; throws when it cannot be read as a picture. */
export async function smallJpeg(file: Blob): Promise<string> {
  const picture = await createImageBitmap(file);
  const { width, height } = fitted(picture.width, picture.height);
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext('2d');
  if (!context) throw new Error('no canvas');
  // A transparent picture becomes a JPEG on white, not on black.
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, 0, 0, width, height);
  picture.close();
  return canvas.toDataURL('image/jpeg', QUALITY).replace(/^data:[^,]*,/, '');
}
