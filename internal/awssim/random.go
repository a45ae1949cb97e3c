package awssim

import (
	"crypto/sha256"
	"encoding/hex"

	"groundwork/internal/awstype"

	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
)

var randomTypes = map[string]Type{
	awstype.RandomPassword: {
		Args:    random.RandomPasswordArgs{},
		ID:      func(_ Props, digest string) string { return digest },
		Check:   checkPassword,
		Outputs: passwordOutputs,
	},
	awstype.RandomID: {
		Args:    random.RandomIdArgs{},
		ID:      randomID,
		Check:   checkRandomID,
		Outputs: func(_ Site, id string, in Props) Props { return Props{"hex": in.Str("prefix") + id} },
	},
}

func checkPassword(in Props) []Failure {
	var f []Failure
	failIf(&f, outOfRange(in, "length", 1, 64), "length", "is outside the 1 to 64 characters that the sandbox can make")
	return f
}

func passwordOutputs(_ Site, id string, in Props) Props {
	length, _ := in.Num("length")
	// The ID is not a secret, so nobody must be able to derive the password by looking at it.
	digest := sha256.Sum256([]byte("password of " + id))
	password := hex.EncodeToString(digest[:])
	return Props{"result": password[:int(length)], "bcryptHash": "$2a$10$" + password[:53]}
}

func randomID(in Props, digest string) string {
	n, _ := in.Num("byteLength")
	return digest[:2*int(n)]
}

func checkRandomID(in Props) []Failure {
	var f []Failure
	failIf(&f, outOfRange(in, "byteLength", 1, 32), "byteLength", "is outside 1 to 32")
	return f
}
