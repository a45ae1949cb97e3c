package stacks

import (
	"slices"

	"groundwork/components/addons"
	"groundwork/components/bastion"
	"groundwork/components/cache"
	"groundwork/components/cluster"
	"groundwork/components/database"
	"groundwork/components/delivery"
	"groundwork/components/edge"
	"groundwork/components/identity"
	"groundwork/components/network"
	"groundwork/components/observability"
	"groundwork/components/parking"
	"groundwork/components/registry"
	"groundwork/components/secrets"
	"groundwork/components/statestore"
)

// Names of the layers, lowest first.
const (
	// LayerAccount is below all others and never part of an environment's own stack: it has the bucket of the states.
	LayerAccount       = "account"
	LayerPlatform      = "platform"
	LayerServices      = "services"
	LayerWorkloads     = "workloads"
	LayerObservability = "observability"
)

// layer is one row of the table of layers. Everything about a layer is in its row.
type layer struct {
	name string
	// reads are the layers whose outputs the layer reads, lowest first.
	reads []string
	// components are the types of the layer's outermost components.
	components []string
	// declare registers the layer's resources and exports what people need to know about them.
	declare func(*deployment) error
	// outputs returns a pointer to the outputs that upper layers read; nil if none does.
	outputs func(*deployment) any
	// version is the version of the outputs. It increases with each change that an older program cannot read. A new field
	// is no such change.
	version int
}

// table has the layers, lowest first.
var table = []layer{{
	name:       LayerAccount,
	components: []string{statestore.TypeToken, identity.PipelinesTypeToken},
	declare:    (*deployment).account,
}, {
	name: LayerPlatform,
	components: []string{
		network.TypeToken, identity.TypeToken, identity.KeyTypeToken, registry.TypeToken, cluster.TypeToken,
		bastion.TypeToken,
	},
	declare: (*deployment).platform,
	outputs: func(d *deployment) any { return &d.platformOutputs },
	version: 1,
}, {
	name:  LayerServices,
	reads: []string{LayerPlatform},
	components: []string{
		database.TypeToken, cache.TypeToken, secrets.TypeToken, edge.TypeToken, parking.TypeToken,
	},
	declare: (*deployment).services,
	outputs: func(d *deployment) any { return &d.servicesOutputs },
	version: 1,
}, {
	name:       LayerWorkloads,
	reads:      []string{LayerPlatform, LayerServices},
	components: []string{addons.TypeToken, delivery.TypeToken},
	declare:    (*deployment).workloads,
}, {
	name:       LayerObservability,
	reads:      []string{LayerPlatform, LayerServices},
	components: []string{observability.TypeToken},
	declare:    (*deployment).observability,
}}

// AllLayers lists the names of all layers, lowest first.
func AllLayers() []string {
	var names []string
	for _, l := range table {
		names = append(names, l.name)
	}
	return names
}

// Layers lists the names of the layers of an environment's own stack, lowest first.
func Layers() []string {
	return slices.DeleteFunc(AllLayers(), func(name string) bool { return name == LayerAccount })
}

// LayerOf returns the layer of an outermost component by its type, or "" for one that belongs to none.
func LayerOf(componentType string) string {
	for _, l := range table {
		if slices.Contains(l.components, componentType) {
			return l.name
		}
	}
	return ""
}

// layerNamed returns a row of the table. name is one of AllLayers.
func layerNamed(name string) layer {
	return table[slices.IndexFunc(table, func(l layer) bool { return l.name == name })]
}
