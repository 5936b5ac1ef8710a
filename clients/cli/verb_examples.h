// The examples at the end of each verb's help.
#pragma once

namespace vitrine::cli {

inline constexpr char kSearchExamples[] = R"(Examples:
  The ten products most like a photo:
    vitrine search --image=dress.jpg
  As a picture to paste into a report:
    vitrine search --image=dress.jpg --k=12 --sheet=answer.png
  Every picture of a folder, an answer each, one JSON object a line:
    vitrine search --image=photos/ --format=json > answers.jsonl
  The same for a list of files:
    find photos -name '*_front.jpg' | vitrine search --image=- --format=json
  Like a product, but more like its colour than its cut:
    vitrine search --product=1163 --emphasis=shape=1,colour=2 --exclude-query
  Like this photo, a bit like product 1163, less like product 1164:
    vitrine search --image=dress.jpg --plus-product=1163@0.5 --minus-product=1164
  Only the lower half of the photo:
    vitrine search --image=outfit.jpg --region=0,0.5,1,1
  Only shirts and dresses of at most 50, not red, on sale, with a season; and how
  many of all those have which colour:
    vitrine search --image=dress.jpg --filter='category=Shirt|Dress' \
      --filter='price<=50' --filter='!colour=Red' --filter='onSale=true' \
      --filter='season?' --facets=colour
  Embed once, search often:
    vitrine embed --image=photos/ > vectors.jsonl
    vitrine search --vector=vectors.jsonl --format=json)";

inline constexpr char kRecommendExamples[] = R"(Examples:
  What is like this product, and what goes with it:
    vitrine recommend --product=1163
  The same for a photo whose category is known:
    vitrine recommend --image=dress.jpg --category=Dress
  Only what is still in season:
    vitrine recommend --product=1163 --filter='season=Summer'
  For a shop: in stock, 20 to 80, not what the customer has, no brand twice, its own sooner:
    vitrine recommend --product=1163 --filter='inStock=true' --filter='price>=20' \
      --filter='price<=80' --exclude=1525 --max-per=brand=1 --boost='brand=Acme@1.3'
  Only shoes and bags, five of each, as a picture:
    vitrine recommend --product=1163 --slots=shoes,bag --k-per-slot=5 --sheet=look.png)";

inline constexpr char kEmbedExamples[] = R"(Examples:
  vitrine embed --image=dress.jpg
  vitrine embed --image=photos/ > vectors.jsonl
Each line is {"query": the path, "vector": [...], "model": ...}. A dot product of
two vectors is the similarity of their pictures.)";

inline constexpr char kDescribeExamples[] = R"(Examples:
  vitrine describe
  vitrine describe --format=json | jq .categories
  vitrine describe --server=search.internal:50051)";

inline constexpr char kExportExamples[] = R"(Examples:
  vitrine export > products.jsonl
  vitrine export --vectors > vectors.jsonl
  vitrine export --filter='category=Dress' --filter='price>100'
Each line is a product: product_id, title, category, attributes and images (key,
sha256 and, with --vectors, vector), in the order of the ids. A stream that breaks
is taken up again after the last product.)";

inline constexpr char kPushExamples[] = R"(Examples:
  All products of a catalogue folder, their pictures with them:
    vitrine push --queue=redis://localhost/catalogue --catalog=photos/
  The same, and wait until the indexer has taken them all:
    vitrine push --queue=redis://localhost/catalogue --catalog=photos/ --wait
  And until a server finds them, which tells what was refused too:
    vitrine push --queue=redis://localhost/catalogue --catalog=photos/ --wait \
      --server=localhost:50051
  Three photos, each a product of its own:
    vitrine push --queue=redis://localhost/catalogue \
      --image=coat.jpg --image=hat.jpg --image=bag.jpg
  Two photos of one product:
    vitrine push --queue=redis://localhost/catalogue --product=coat-17 \
      --image=front.jpg --image=back.jpg
  Two products less:
    vitrine push --queue=redis://localhost/catalogue --delete=17 --delete=18
  A catalogue in three partitions, each product to the stream of its own:
    vitrine push --queue='redis://localhost/catalogue-{partition}' \
      --partitions=3 --catalog=photos/
Pushing the same again does no harm. An indexer takes what is pushed with
vitrine-indexer --queue=redis://localhost/catalogue --index=DIR.)";

inline constexpr char kReceiptsExamples[] = R"(Examples:
  What became of the pictures of the last day:
    vitrine receipts --since=24h
  Which were refused, and why:
    vitrine receipts --refused
  The same with the pictures, as one file to send to whoever took them:
    vitrine receipts --refused --since=7d --format=html \
      --catalog=photos/ > refused.html
  How many of each folder, and how soon they were searchable:
    vitrine receipts --since=7d --by=folder
  For a spreadsheet; and for a program, as they come:
    vitrine receipts --format=csv > receipts.csv
    vitrine receipts --follow --format=json
  Without a server, from the folder that the indexer writes:
    vitrine receipts --index=/var/tmp/photos-index --refused)";

inline constexpr char kBackupExamples[] = R"(Examples:
  vitrine backup --index=/var/tmp/photos-index /mnt/backup/photos-index
The same again copies only what has come since. To restore, name the copy:
  vitrine-server --index=/mnt/backup/photos-index
  vitrine-indexer --catalog=photos --index=/mnt/backup/photos-index
Once an indexer has written to a copy it is an index of its own, and no backup is
made into it any more.)";

inline constexpr char kPromoteExamples[] = R"(Examples:
  Build the vectors of a new model, look at them, let them serve:
    vitrine-indexer --catalog=photos --index=photos-index --model=new.pt \
      --promote=manual
    vitrine eval --index=photos-index --report=report
    vitrine search --image=dress.jpg --model=3f9a01c2
    vitrine promote --index=photos-index
Works where the index's folder may be written to, be it shared; an indexer of it
must run. Ctrl-C ends the wait and leaves the request in place.)";

inline constexpr char kRollbackExamples[] = R"(Examples:
  vitrine rollback --index=photos-index
What served before can serve again for as long as the indexer keeps it: its
--keep-previous-hours, 72 where that is not told.)";

}  // namespace vitrine::cli
