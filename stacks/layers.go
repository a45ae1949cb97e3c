package stacks

// Names of the layers, lowest first.
const (
	LayerPlatform      = "platform"
	LayerServices      = "services"
	LayerWorkloads     = "workloads"
	LayerObservability = "observability"
)

// LayerAccount is below all of them and never part of an environment's own stack: it holds the bucket that their states are in.
const LayerAccount = "account"

// Layers lists the layers, lowest first.
var Layers = []string{LayerPlatform, LayerServices, LayerWorkloads, LayerObservability}

// layerOfComponent ties the type of each outermost component to its layer.
var layerOfComponent = map[string]string{
	"groundwork:statestore:Store":            LayerAccount,
	"groundwork:identity:Pipelines":          LayerAccount,
	"groundwork:network:Network":             LayerPlatform,
	"groundwork:identity:Identity":           LayerPlatform,
	"groundwork:identity:Key":                LayerPlatform,
	"groundwork:registry:Registry":           LayerPlatform,
	"groundwork:cluster:Cluster":             LayerPlatform,
	"groundwork:database:Database":           LayerServices,
	"groundwork:cache:Cache":                 LayerServices,
	"groundwork:secrets:Secrets":             LayerServices,
	"groundwork:edge:Edge":                   LayerServices,
	"groundwork:parking:Parking":             LayerServices,
	"groundwork:addons:Addons":               LayerWorkloads,
	"groundwork:delivery:Delivery":           LayerWorkloads,
	"groundwork:observability:Observability": LayerObservability,
}

// LayerOf returns the layer of an outermost component, or "" for one that belongs to none.
func LayerOf(componentType string) string { return layerOfComponent[componentType] }
