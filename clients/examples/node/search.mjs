// search.mjs HOST:PORT PICTURE: prints the products most similar to a picture.
import { readFileSync } from 'node:fs';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

const [address, picture] = process.argv.slice(2);
const { vitrine } = grpc.loadPackageDefinition(protoLoader.loadSync(
  'vitrine/v1/search.proto', { includeDirs: [process.env.VITRINE_PROTOS] }));
const client = new vitrine.v1.SearchService(address, grpc.credentials.createInsecure());

const request = { examples: [{ image: { content: readFileSync(picture) } }], k: 5 };
client.search(request, { deadline: Date.now() + 10_000 }, (error, response) => {
  if (error) {
    console.error(error.details);
    process.exitCode = 1;
  } else {
    for (const hit of response.hits) console.log(hit.productId, hit.score.toFixed(3));
  }
  client.close();
});
