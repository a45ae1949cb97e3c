package cluster

import "encoding/json"

// Kubeconfig returns the configuration with which Kubernetes clients reach a cluster. It contains no secret: clients
// get their token from the aws command, with the AWS credentials of the user. certificateAuthority is in base64, as EKS
// returns it.
func Kubeconfig(name, region, endpoint, certificateAuthority string) string {
	type named map[string]any
	out, err := json.Marshal(named{
		"apiVersion": "v1", "kind": "Config", "current-context": name,
		"clusters": []named{
			{"name": name, "cluster": named{"server": endpoint, "certificate-authority-data": certificateAuthority}},
		},
		"contexts": []named{{"name": name, "context": named{"cluster": name, "user": name}}},
		"users": []named{{"name": name, "user": named{"exec": named{
			"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "aws",
			"args":            []string{"--region", region, "eks", "get-token", "--cluster-name", name, "--output", "json"},
			"interactiveMode": "Never",
		}}}},
	})
	if err != nil {
		// Strings, lists and maps always marshal.
		panic("rendering kubeconfig: " + err.Error())
	}
	return string(out)
}
