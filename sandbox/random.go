package sandbox

import (
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
)

var randomTypes = map[string]Type{
	"random:index/randomId:RandomId": {
		Args:      random.RandomIdArgs{},
		Immutable: []string{"byteLength", "keepers", "prefix"},
		ID: func(in Props, digest string) string {
			n, _ := in.Num("byteLength")
			return digest[:2*int(n)]
		},
		Check: func(in Props) []Failure {
			var f []Failure
			failIf(&f, in.outOfRange("byteLength", 1, 32), "byteLength", "is outside 1 to 32")
			return f
		},
		Outputs: func(_ Site, id string, in Props) Props { return Props{"hex": in.Str("prefix") + id} },
	},
}
