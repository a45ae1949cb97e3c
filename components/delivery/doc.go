// Package delivery prepares the cluster for one application and, if Argo CD owns the application's release, installs
// Argo CD.
//
// Creates: the application's namespace and the AWS roles of its service accounts; the Kubernetes role of the pipelines.
// If Argo CD owns the release: Argo CD, a project, and the Application that points to the chart in Git. If a pipeline
// owns the release: a ConfigMap with the values that only infrastructure knows.
//
// Refuses: repositories that are not HTTPS or SSH URLs or contain credentials, paths outside the repository, and owners
// other than Argo CD and a pipeline.
//
// Protects: nothing. The application's data are in the services layer.
//
// Owns: the values that only infrastructure knows (values.go), which the chart's values.schema.json must accept; the
// roles of the application's service accounts (roles.go); the permissions of pipelines (deployer.go). Exactly one of
// Argo CD and the pipeline owns the release. The values are an output of the stack in both cases.
package delivery
