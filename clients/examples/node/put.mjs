// put.mjs HOST PORT STREAM PRODUCT PICTURE: puts a product into a Redis Stream.
import { readFileSync } from 'node:fs';
import protoLoader from '@grpc/proto-loader';
import { createClient } from 'redis';

const [host, port, stream, product, picture] = process.argv.slice(2);
const protocol = protoLoader.loadSync(
  'vitrine/v1/catalog.proto', { includeDirs: [process.env.VITRINE_PROTOS] });
const event = protocol['vitrine.v1.CatalogEvent'].serialize({
  source: 'shop',
  // Rises with each change: an older event never undoes a newer one.
  version: (BigInt(Date.now()) * 1_000_000n).toString(),
  upsert: {
    productId: product,
    title: 'A blue coat',
    category: 'Coat',
    attributes: { price: { number: 129 } },
    images: [{ key: 'front', content: readFileSync(picture) }],
  },
});

const queue = createClient({ socket: { host, port: Number(port) } });
await queue.connect();
console.log(await queue.xAdd(stream, '*', { event }));
await queue.close();
