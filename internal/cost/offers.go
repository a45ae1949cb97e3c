package cost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// OffersURL is where AWS publishes its price list. It needs no credentials.
// Source: AWS Billing User Guide, "Getting price list files manually".
const OffersURL = "https://pricing.us-east-1.amazonaws.com"

// product is one product of an offer file, as far as it decides about a price.
type product struct {
	Family     string            `json:"productFamily"`
	Attributes map[string]string `json:"attributes"`
}

// usage reports whether the product is billed under a usage type. All regions but us-east-1 put their code before it.
func (p product) usage(want string) bool {
	kind := p.Attributes["usagetype"]
	return kind == want || strings.HasSuffix(kind, "-"+want)
}

// has reports whether the product has attributes, given as pairs of name and value.
func (p product) has(pairs ...string) bool {
	for i := 0; i < len(pairs); i += 2 {
		if p.Attributes[pairs[i]] != pairs[i+1] {
			return false
		}
	}
	return true
}

// usageOf makes the condition for products of a usage type with attributes.
func usageOf(usage string, pairs ...string) func(product) bool {
	return func(p product) bool { return p.usage(usage) && p.has(pairs...) }
}

// offer is one file of the price list, and what is read from it: prices by key, and instances by name.
type offer struct {
	code     string
	prices   map[string]func(product) bool
	instance func(product) bool
}

// offers are the files that have the prices that differ between regions.
var offers = []offer{{
	code: "AmazonEC2",
	prices: map[string]func(product) bool{
		"ebs.gp3.storage": usageOf("EBS:VolumeUsage.gp3"),
		"nat.hour":        usageOf("NatGateway-Hours"),
		"nat.gb":          usageOf("NatGateway-Bytes"),
	},
	instance: func(p product) bool {
		return p.Family == "Compute Instance" && p.has("operatingSystem", "Linux", "tenancy", "Shared",
			"preInstalledSw", "NA", "capacitystatus", "Used")
	},
}, {
	code: "AWSELB",
	prices: map[string]func(product) bool{
		"alb.hour": usageOf("LoadBalancerUsage", "operation", "LoadBalancing:Application"),
		"alb.lcu":  usageOf("LCUUsage", "operation", "LoadBalancing:Application"),
	},
}, {
	code: "AmazonVPC",
	prices: map[string]func(product) bool{
		"vpce.interface.hour": usageOf("VpcEndpoint-Hours"),
		"vpce.interface.gb":   usageOf("VpcEndpoint-Bytes"),
		"public_ipv4.hour":    usageOf("PublicIPv4:InUseAddress"),
	},
}, {
	code: "AmazonRDS",
	prices: map[string]func(product) bool{
		"rds.gp3.storage.single":   usageOf("RDS:GP3-Storage", "databaseEngine", "PostgreSQL"),
		"rds.gp3.storage.multi_az": usageOf("RDS:Multi-AZ-GP3-Storage", "databaseEngine", "PostgreSQL"),
		"rds.backup":               usageOf("RDS:ChargedBackupUsage", "databaseEngine", "PostgreSQL"),
	},
	instance: func(p product) bool {
		return p.Family == "Database Instance" && p.has("databaseEngine", "PostgreSQL", "deploymentOption", "Single-AZ")
	},
}, {
	code: "AmazonElastiCache",
	instance: func(p product) bool {
		return p.Family == "Cache Instance" && p.has("cacheEngine", "Redis")
	},
}, {
	code: "AmazonCloudWatch",
	prices: map[string]func(product) bool{
		"cloudwatch.logs.ingest":  usageOf("DataProcessing-Bytes"),
		"cloudwatch.logs.storage": usageOf("TimedStorage-ByteHrs"),
	},
}, {
	code: "AmazonS3",
	prices: map[string]func(product) bool{
		"s3.standard": usageOf("TimedStorage-ByteHrs", "volumeType", "Standard"),
	},
}, {
	code: "AWSDataTransfer",
	prices: map[string]func(product) bool{
		"data.egress": usageOf("DataTransfer-Out-Bytes", "toLocation", "External"),
	},
}}

// ReadOffers reads AWS's price list of a region from base, file by file, and tells progress of each. The files have up
// to some hundred megabytes, so they are read as they arrive. A price that is not in them is an error, and nothing is
// returned then: a list with gaps would look whole.
func ReadOffers(ctx context.Context, base, region string, progress func(string)) (*List, error) {
	list := &List{Region: region, Amounts: map[string]float64{}}
	var missing []string
	for _, o := range offers {
		url := fmt.Sprintf("%s/offers/v1.0/aws/%s/current/%s/index.json", base, o.code, region)
		progress("reading " + url)
		if err := o.fetch(ctx, url, list); err != nil {
			return nil, fmt.Errorf("reading %s: %w", url, err)
		}
		for _, key := range slices.Sorted(maps.Keys(o.prices)) {
			if _, found := list.Amounts[key]; !found {
				missing = append(missing, key+" in "+o.code)
			}
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("AWS's price list of %s has nothing for %s", region, strings.Join(missing, ", "))
	}
	return list, nil
}

// fetch reads one file into a list.
func (o offer) fetch(ctx context.Context, url string, list *List) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New("AWS answers " + response.Status)
	}
	return o.read(response.Body, list)
}

// read reads the content of a file, in which the products are before their prices.
func (o offer) read(r io.Reader, list *List) error {
	decoder := json.NewDecoder(r)
	keys := map[string]string{}
	return members(decoder, func(name string) error {
		switch name {
		case "publicationDate":
			var date string
			if err := decoder.Decode(&date); err != nil {
				return err
			}
			day, _, _ := strings.Cut(date, "T")
			if list.Published == "" || day < list.Published {
				list.Published = day
			}
			return nil
		case "products":
			return members(decoder, func(sku string) error {
				var p product
				if err := decoder.Decode(&p); err != nil {
					return err
				}
				if key := o.key(p); key != "" {
					keys[sku] = key
				}
				return nil
			})
		case "terms":
			return members(decoder, func(kind string) error { return readTerms(decoder, kind, keys, list) })
		default:
			var skipped json.RawMessage
			return decoder.Decode(&skipped)
		}
	})
}

// key returns the key of the price that a product is about; empty for most products.
func (o offer) key(p product) string {
	if o.instance != nil && o.instance(p) {
		return p.Attributes["instanceType"]
	}
	for key, fits := range o.prices {
		if fits(p) {
			return key
		}
	}
	return ""
}

// term is what one product costs under one contract.
type term struct {
	PriceDimensions map[string]struct {
		BeginRange   string            `json:"beginRange"`
		PricePerUnit map[string]string `json:"pricePerUnit"`
	} `json:"priceDimensions"`
}

// readTerms takes the prices on demand of the products in keys.
func readTerms(decoder *json.Decoder, kind string, keys map[string]string, list *List) error {
	return members(decoder, func(sku string) error {
		key, wanted := keys[sku]
		if kind != "OnDemand" || !wanted {
			var skipped json.RawMessage
			return decoder.Decode(&skipped)
		}
		var terms map[string]term
		if err := decoder.Decode(&terms); err != nil {
			return err
		}
		for _, t := range terms {
			amount, err := t.first()
			if err != nil {
				return fmt.Errorf("price of %s: %w", key, err)
			}
			// Several products may be billed alike, such as one for each operation.
			if before, twice := list.Amounts[key]; amount > 0 && (!twice || amount < before) {
				list.Amounts[key] = amount
			}
		}
		return nil
	})
}

// first returns the price of the first tier that costs something, in US dollars; 0 where all is free.
func (t term) first() (amount float64, err error) {
	begins := -1.0
	for _, tier := range t.PriceDimensions {
		price, err := strconv.ParseFloat(tier.PricePerUnit["USD"], 64)
		if err != nil {
			return 0, err
		}
		from := 0.0
		if tier.BeginRange != "" {
			if from, err = strconv.ParseFloat(tier.BeginRange, 64); err != nil {
				return 0, err
			}
		}
		if price > 0 && (begins < 0 || from < begins) {
			begins, amount = from, price
		}
	}
	return amount, nil
}

// members reads an object and calls each with the name of every member, whose value each has to read.
func members(decoder *json.Decoder, each func(name string) error) error {
	start, err := decoder.Token()
	if err != nil {
		return err
	}
	if start != json.Delim('{') {
		return fmt.Errorf("want an object, found %v", start)
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		if err := each(fmt.Sprint(name)); err != nil {
			return err
		}
	}
	_, err = decoder.Token()
	return err
}
