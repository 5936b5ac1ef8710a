// put HOST PORT STREAM PRODUCT PICTURE: puts a product into a Redis Stream.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	vitrine "vitrine/gen/vitrine/v1"
)

func main() {
	if len(os.Args) != 6 {
		log.Fatal("usage: put HOST PORT STREAM PRODUCT PICTURE")
	}
	picture, err := os.ReadFile(os.Args[5])
	if err != nil {
		log.Fatal(err)
	}
	event, err := proto.Marshal(&vitrine.CatalogEvent{
		Source: "shop",
		// Rises with each change: an older event never undoes a newer one.
		Version: uint64(time.Now().UnixNano()),
		Change: &vitrine.CatalogEvent_Upsert{Upsert: &vitrine.ProductUpsert{
			ProductId: os.Args[4],
			Title:     "A blue coat",
			Category:  "Coat",
			Attributes: map[string]*vitrine.AttributeValue{
				"price": {Kind: &vitrine.AttributeValue_Number{Number: 129}},
			},
			Images: []*vitrine.CatalogImage{{
				Key:      "front",
				Location: &vitrine.CatalogImage_Content{Content: picture},
			}},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}

	queue := redis.NewClient(&redis.Options{Addr: net.JoinHostPort(os.Args[1], os.Args[2])})
	defer queue.Close()
	entry, err := queue.XAdd(context.Background(), &redis.XAddArgs{
		Stream: os.Args[3],
		Values: map[string]any{"event": event},
	}).Result()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(entry)
}
