// Pictures that people drop, paste or choose: made small enough to send, and kept in
// this tab for the way back.

const LARGEST_SIDE = 1280;
const MOST_BYTES = 4 << 20;
const AS_IT_IS = ['image/jpeg', 'image/png', 'image/webp'];
const KEPT = 40;

const pictures = new Map();

export const pictureOf = (number) => pictures.get(number);

function base64Of(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(',') + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

// In base64; null where the browser has no hashes for a page in the clear.
async function sha256Of(blob) {
  if (!crypto.subtle) return null;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()));
  return btoa(String.fromCharCode(...digest));
}

async function smaller(bitmap) {
  const scale = Math.min(1, LARGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext('2d');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.92));
  if (!blob) throw new Error('This browser could not make the picture smaller.');
  return blob;
}

// What is sent of a picture, as the parts of a request.
export async function sendable(blob) {
  return {content: await base64Of(blob), sha256: await sha256Of(blob)};
}

// Takes a File or Blob in; its number. An Error whose message is for people.
export async function takePicture(file) {
  if (file.size === 0) throw new Error('That file is empty.');
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, {imageOrientation: 'from-image'});
  } catch {
    throw new Error('That is no picture this browser can read. JPEG, PNG and WebP will do.');
  }
  const fits = Math.max(bitmap.width, bitmap.height) <= LARGEST_SIDE && file.size <= MOST_BYTES;
  const blob = fits && AS_IT_IS.includes(file.type) ? file : await smaller(bitmap);
  const picture = {
    ...(await sendable(blob)),
    url: URL.createObjectURL(blob),
    width: bitmap.width,
    height: bitmap.height,
    name: file.name || 'Pasted picture',
  };
  bitmap.close();
  // Never one of before a reload: the history still has what was drawn on that.
  const [number] = crypto.getRandomValues(new Uint32Array(1));
  pictures.set(number, picture);
  if (pictures.size > KEPT) {
    const [oldest] = pictures.keys();
    URL.revokeObjectURL(pictures.get(oldest).url);
    pictures.delete(oldest);
  }
  return number;
}

export function pictureIn(items) {
  for (const item of items || []) {
    if (item.kind === 'file' && item.type.startsWith('image/')) return item.getAsFile();
  }
  return null;
}
