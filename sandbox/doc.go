// Package sandbox runs the whole program with no AWS account: the real Pulumi engine and CLI, the real pulumi-eks
// component, and simulated providers for AWS, Kubernetes and random values.
//
// The parts, from the inside out:
//
//   - cloud.go is the simulated cloud: it keeps what was created (disk.go), refuses what AWS refuses, and takes time.
//   - catalogue.go says what a resource type is; aws_*.go and random.go are the types. A type or function that is not
//     in the catalogue is an error, never a silent success.
//   - schema.go checks inputs against the argument types of the SDKs that the program is compiled with.
//   - provider.go serves the cloud to the engine by Pulumi's provider protocol.
//   - install.go finds or builds the Pulumi CLI and the eks plugin; engine.go runs them; workspace.go keeps state.
//   - graph.go and latency.go read a deployment's state: layers, dependencies, critical path.
package sandbox
