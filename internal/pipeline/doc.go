// Package pipeline holds the stages from test to deploy that GitHub Actions, Jenkins and people run alike. Each stage
// is one make target and takes all its inputs from the environment. The package imports nothing of Pulumi, so that it
// compiles in a second.
package pipeline
