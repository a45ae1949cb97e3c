// Package pipeline is what GitHub Actions, Jenkins and people run alike: the stages from test to deploy, each one make
// target, with all its inputs in the environment. It imports nothing of Pulumi, so that it compiles in a second.
package pipeline
