package cost_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/internal/cost"
	"groundwork/tests/harness"
)

// serveOffers serves the pieces of AWS's price list in testdata/offers as AWS does.
func serveOffers(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/offers/v1.0/aws/"), "/")
		if rest != "current/ap-south-1/index.json" {
			http.NotFound(w, r)
			return
		}
		http.ServeFile(w, r, filepath.Join("testdata", "offers", code+".json"))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// TestReadOffers reads a region's price list, writes it into a project, and prices an environment with it.
func TestReadOffers(t *testing.T) {
	read := 0
	list, err := cost.ReadOffers(t.Context(), serveOffers(t), "ap-south-1", func(string) { read++ })
	require.NoError(t, err)
	assert.Equal(t, 8, read, "one file for each service")
	assert.Equal(t, "2026-10-30", list.Published, "the oldest of them")
	for key, want := range map[string]float64{
		"nat.hour": 0.056, "nat.gb": 0.056, "ebs.gp3.storage": 0.0912, "alb.hour": 0.0239, "alb.lcu": 0.008,
		"vpce.interface.hour": 0.013, "vpce.interface.gb": 0.01, "public_ipv4.hour": 0.005,
		"rds.gp3.storage.single": 0.131, "rds.gp3.storage.multi_az": 0.262, "rds.backup": 0.095,
		"cloudwatch.logs.ingest": 0.67, "cloudwatch.logs.storage": 0.03, "s3.standard": 0.025, "data.egress": 0.1093,
		"t3.large": 0.0896, "db.m7g.large": 0.19, "cache.t4g.small": 0.041, "m99.large": 0.1,
	} {
		assert.InDelta(t, want, list.Amounts[key], 1e-9, key)
	}
	assert.NotContains(t, list.Amounts, "t3.xlarge", "offered only with Windows and as a dedicated host")

	root := t.TempDir()
	file, err := list.Write(root)
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(root, "prices", "ap-south-1.json"), file)
	prices, err := cost.PricesOf(root, "ap-south-1")
	require.NoError(t, err)
	assumed, err := cost.Assume(nil)
	require.NoError(t, err)
	sheet := cost.New("prod", harness.Graph(t, "prod", moved("prod", "ap-south-1")...), prices, assumed, harness.Today)
	assert.Equal(t, "2026-10-30", sheet.Checked)
	nodes := 0.0
	for _, l := range sheet.Lines {
		if l.Price == "ec2.instance.t3.large" {
			nodes = l.Month
		}
	}
	assert.InDelta(t, 3*0.0896*730, nodes, 0.005)
	// CloudFront's prices are those of parts of the world, and ECR's storage one price: neither is in the files.
	for _, problem := range sheet.Unpriced {
		assert.Contains(t, problem, "cloudfront", problem)
	}
	own, err := cost.PricesOf(root, "eu-west-1")
	require.NoError(t, err)
	assert.Nil(t, own.Own, "the list is that of one region")
}

// TestReadOffersRefuses: a list with gaps, one that is not there and one that is cut off are errors.
func TestReadOffersRefuses(t *testing.T) {
	quiet := func(string) {}
	_, err := cost.ReadOffers(t.Context(), serveOffers(t), "mars-north-1", quiet)
	require.ErrorContains(t, err, "AmazonEC2/current/mars-north-1/index.json: AWS answers 404")
	serve := func(body string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(body))
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	for body, want := range map[string]string{
		`{"products": {}, "terms": {"OnDemand": {}}}`: "has nothing for ebs.gp3.storage in AmazonEC2, nat.gb",
		`{"products": {"A": {"productFamily"`:         "unexpected EOF",
		`[]`:                                          "want an object",
		`{"products": {"A": {"attributes": {"usagetype": "NatGateway-Hours"}}}, "terms": {"OnDemand": {"A": {"A.B":
		  {"priceDimensions": {"C": {"pricePerUnit": {"USD": "dear"}}}}}}}}`: "price of nat.hour",
	} {
		_, err := cost.ReadOffers(t.Context(), serve(body), "ap-south-1", quiet)
		require.ErrorContains(t, err, want, body)
	}
}
