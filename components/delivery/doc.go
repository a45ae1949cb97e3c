// Package delivery brings one application into the cluster and keeps it there.
//
// Creates: the application's namespace and its roles; and, where Argo CD owns the release, Argo CD itself and the
// Application that points it at the chart in Git.
//
// Refuses: repositories that are no HTTPS or SSH URLs, paths that leave the repository, an owner that is neither.
//
// Protects: nothing; what the application keeps is in the services layer.
//
// Owns: the values that only infrastructure knows (values.go), which the chart's values.schema.json has to accept, and
// the roles of the application's service accounts (roles.go). Exactly one of Argo CD and the pipeline owns the release:
// with the pipeline as owner there is no Argo CD, and the values are an output of the stack.
package delivery
