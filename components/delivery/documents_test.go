package delivery_test

import (
	"testing"

	"groundwork/components/delivery"
	"groundwork/tests/golden"
)

func TestRenderedDocuments(t *testing.T) {
	policy := delivery.ReaderPolicy("eu-west-1", []string{"arn:secret"}, []string{"arn:key"})
	golden.JSON(t, "policy-secrets-reader", policy.JSON())
}
