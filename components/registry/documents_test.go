package registry_test

import (
	"testing"

	"groundwork/components/registry"
	"groundwork/tests/golden"
)

func TestRenderedDocuments(t *testing.T) {
	golden.JSON(t, "lifecycle", registry.LifecyclePolicy(30))
}
