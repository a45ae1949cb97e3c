// Command groundwork-program is the Pulumi program: it declares one production AWS environment.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"groundwork/stacks"
)

func main() {
	var program stacks.Program
	pulumi.Run(program.Deploy, program.Configure)
}
