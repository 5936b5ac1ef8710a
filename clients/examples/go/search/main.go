// search HOST:PORT PICTURE: prints the products most similar to a picture.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	vitrine "vitrine/gen/vitrine/v1"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: search HOST:PORT PICTURE")
	}
	picture, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	channel, err := grpc.NewClient(os.Args[1],
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer channel.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	k := int32(5)
	response, err := vitrine.NewSearchServiceClient(channel).Search(ctx, &vitrine.SearchRequest{
		Examples: []*vitrine.Example{{
			Source: &vitrine.Example_Image{Image: &vitrine.ImageInput{Content: picture}},
		}},
		K: &k,
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, hit := range response.Hits {
		fmt.Printf("%s %.3f\n", hit.ProductId, hit.Score)
	}
}
