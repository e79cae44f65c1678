// SPDX-License-Identifier: Apache-2.0
// A network: layers in topological order, the tensors between them, and the counts that follow from
// them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "workloads/identifiers.hpp"
#include "workloads/iteration_space.hpp"
#include "workloads/precision.hpp"
#include "workloads/stated_layer.hpp"

namespace memwall {

using Shape = std::vector<std::int64_t>;

/// "[64, 56, 56]".
std::string text(const Shape& shape);
std::int64_t words(const Shape& shape);

/// A state tensor stays in memory from item to item and grows: a layer writes its newest positions,
/// the others were there before (key-value cache). Of training: a batch_sum is one for all items
/// (statistics of a batch, gradients of parameters); optimizer state is there before a step and
/// brought up to date by it; an update is what a step puts in place of a parameter.
enum class TensorKind : std::uint8_t {
    input,
    activation,
    weights,
    state,
    batch_sum,
    optimizer,
    update
};

/// A tensor that shares the words of another one. axis < 0: the same words in order, under another
/// shape (reshape, folded batch_norm); else the part of `of` that begins at `offset` along `axis`
/// of its shape (concat).
struct Alias {
    TensorId of;
    int axis = -1;
    std::int64_t offset = 0;
};

/// Which words of a tensor are not zero: a fraction anywhere, or `kept` of each `of` in a row
/// (N:M).
struct Sparsity {
    double density = 1;
    std::int64_t kept = 0;  ///< 0: anywhere
    std::int64_t of = 0;

    /// "2:4" or "50 %".
    [[nodiscard]] std::string text() const;
    /// Of `words` those that are not zero, rounded up.
    [[nodiscard]] std::int64_t nonzero(std::int64_t words) const;
};

struct Tensor {
    std::string name;  ///< of the layer that makes it, of the network's input, or "LAYER.weights"
    TensorKind kind = TensorKind::activation;
    Shape shape;  ///< of one item, without N
    Precision precision = Precision::int8;
    std::optional<Precision> stated_precision;  ///< where the file says it of this tensor
    std::optional<Sparsity> sparsity;           ///< of pruned weights, of an activation as stated
    LayerId producer;                           ///< none for inputs and weights
    std::vector<LayerId> consumers;  ///< in order; each once; empty for an output of the network
    std::optional<Alias> alias;
    TensorId in_place_of;  ///< of an update: what it overwrites; none: it has a place of its own

    [[nodiscard]] bool is_weight() const { return kind == TensorKind::weights; }
    /// Whether every item has its own: then projections have the batch as their first axis.
    [[nodiscard]] bool is_per_item() const {
        return kind == TensorKind::input || kind == TensorKind::activation ||
               kind == TensorKind::state;
    }
    /// Whether it stays in memory from round to round, or takes the place of what does.
    [[nodiscard]] bool persists() const {
        return kind == TensorKind::state || kind == TensorKind::optimizer ||
               kind == TensorKind::update;
    }
    /// Words of one item, or of what is one for all.
    [[nodiscard]] std::int64_t item_words() const { return words(shape); }
};

/// The layer of the file (attention, moe) that a primitive layer is a part of.
struct CompositeOrigin {
    std::string name;
    std::string op;
};

/// Where in a training step a layer stands; all layers of an inference are forward ones.
enum class LayerPass : std::uint8_t { forward, backward, update };
const char* name(LayerPass pass);

struct Layer {
    std::string name;
    std::string op;  ///< a primitive one
    LayerPass pass = LayerPass::forward;
    std::optional<CompositeOrigin> composite;  ///< where the layer is no entry of its own
    IterationSpace space;
    LayerPrecision precision;
    std::vector<TensorId> inputs;  ///< activations, in the op's order; a tensor may occur twice
    std::vector<TensorId> outputs;
    TensorId weights;  ///< none for most ops; several layers may share them
    std::int64_t other_parameters =
        0;                      ///< biases, normalisation: counted, never multiplied as a matrix
    bool stands_alone = false;  ///< never an epilogue, though it could be
    bool no_work = false;  ///< renames words only (reshape, concat as alias, folded batch_norm)
    std::optional<std::size_t> scaled_axis;  ///< of a batch_norm: its channels in an item's shape
    LayerId folded_into;  ///< batch_norm: the layer whose weights absorb it, at no cost
    LayerId
        epilogue_of;  ///< pointwise on the only use of that layer's result: may run on its way out
    SourceMark where;
    std::shared_ptr<const StatedLayer> stated;  ///< none where it came from no file

    [[nodiscard]] std::int64_t macs() const { return no_work ? 0 : space.macs(); }
    [[nodiscard]] std::int64_t vector_operations() const {
        return no_work ? 0 : space.vector_operations();
    }
};

struct Transform;  // transform_list.hpp

/// What a network is made from. Producers, consumers, order, folding, aliases and precisions are
/// derived.
struct NetworkParts {
    std::string name;
    std::string source;
    std::int64_t batch = 1;
    std::vector<std::string>
        keep_precision;  ///< layers that precision policies leave alone by default
    /// Transforms of the file that set precisions: they come on top of a precision asked for later.
    std::shared_ptr<const std::vector<Transform>> quantised_by;
    std::vector<Tensor> tensors;
    std::vector<Layer> layers;  ///< in the order of the file; LayerIds inside are set by Network
};

/// The dependencies between layers, a Boost.Graph DAG; see workloads/layer_graph.hpp.
class LayerGraph;

/// Immutable; cheap to copy. Made by load_network (network_yaml.hpp) or by hand from parts.
class Network {
public:
    Network();
    /// Orders the layers, folds and aliases what can be, derives precisions. Parts that do not fit
    /// together (a cycle, an operand without tensor, a projection of the wrong rank) are an
    /// internal error.
    explicit Network(NetworkParts parts);

    [[nodiscard]] const std::string& name() const;
    [[nodiscard]] const std::string& source() const;
    [[nodiscard]] std::int64_t batch() const;
    /// In topological order; in file order where that allows it.
    [[nodiscard]] const std::vector<Layer>& layers() const;
    [[nodiscard]] const std::vector<Tensor>& tensors() const;
    [[nodiscard]] const Layer& layer(LayerId id) const { return layers()[id.position()]; }
    [[nodiscard]] const Tensor& tensor(TensorId id) const { return tensors()[id.position()]; }
    /// By name; invalid where there is none.
    [[nodiscard]] LayerId find_layer(std::string_view name) const;
    [[nodiscard]] TensorId find_tensor(std::string_view name) const;

    /// Layers that this one waits for, and those that wait for it, in order.
    [[nodiscard]] std::vector<LayerId> predecessors(LayerId id) const;
    [[nodiscard]] std::vector<LayerId> successors(LayerId id) const;
    /// Activations that nobody consumes.
    [[nodiscard]] std::vector<TensorId> outputs() const;
    [[nodiscard]] std::vector<TensorId> inputs() const;
    /// By tensor: whether words of an output are stored in it. Layers may read others of its words.
    [[nodiscard]] std::vector<bool> output_storage() const;

    /// The tensor whose words `id` shares, through all aliases; `id` itself where it has its own.
    [[nodiscard]] TensorId storage(TensorId id) const;
    /// Words and stored bytes: of the whole batch for activations, once for weights.
    [[nodiscard]] std::int64_t tensor_words(TensorId id) const;
    [[nodiscard]] Bytes tensor_bytes(TensorId id) const;

    /// For the whole batch.
    [[nodiscard]] std::int64_t macs() const;
    [[nodiscard]] std::int64_t vector_operations() const;
    /// Whether it is a training step: some layer updates a parameter.
    [[nodiscard]] bool trains() const;
    /// Multiplied weights and embeddings, shared ones once; no biases, no normalisation.
    [[nodiscard]] std::int64_t weights() const;
    /// All that is trained.
    [[nodiscard]] std::int64_t parameters() const;
    [[nodiscard]] Bytes weight_bytes() const;
    /// What stays from item to item, of the whole batch: key-value caches.
    [[nodiscard]] Bytes state_bytes() const;
    /// The most that is live at one layer when layers run in order: its inputs and outputs and what
    /// later layers still need. Epilogues work in place. What persists is not part of it.
    [[nodiscard]] Bytes peak_activation_bytes() const;

    /// A copy of what this network is made from, for transforms.
    [[nodiscard]] NetworkParts parts() const;

private:
    [[nodiscard]] Bytes bytes_of(TensorKind kind) const;

    struct Content;
    std::shared_ptr<const Content> content_;
};

}  // namespace memwall
