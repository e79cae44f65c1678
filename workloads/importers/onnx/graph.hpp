// SPDX-License-Identifier: Apache-2.0
// A model on its way to a network: what is known of each of its values, and the node that is read.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "workloads/importers/draft.hpp"
#include "workloads/importers/onnx/constants.hpp"
#include "workloads/importers/onnx/model.hpp"
#include "workloads/importers/onnx/refusal.hpp"

namespace memwall::importers::onnx {

using Dims = std::vector<std::int64_t>;

inline constexpr std::size_t kMostAxes = 4;  ///< of one item of a layer's result

/// A value of the model. Its dims have the batch, as the model has them.
struct Value {
    enum class Kind : std::uint8_t { unknown, constant, activation };
    Kind kind = Kind::unknown;
    Dims dims;
    Precision precision = Precision::fp32;
    Constant constant;   ///< of a constant; its dims are those above
    std::string tensor;  ///< of a constant: the initialiser whose words it has, under any dims
    std::string source;  ///< of an activation: the layer or input whose words it has
    Shape source_shape;  ///< as that one has them, of one item
    /// How often each run of `run` words of the source follows itself in the dims; products read
    /// the words once for all of them, everything else gets a copy (settle).
    std::int64_t repeats = 1;
    std::int64_t run = 0;
    /// Of an activation that was transposed, else empty: the dims before, and which of them each of
    /// its own is.
    Dims untransposed;
    Dims order;

    [[nodiscard]] bool is_activation() const { return kind == Kind::activation; }
    [[nodiscard]] bool is_constant() const { return kind == Kind::constant; }
    [[nodiscard]] bool is_transposed() const { return !order.empty(); }
    [[nodiscard]] std::size_t rank() const { return dims.size(); }
};

/// The shape of one item. The axis of the batch is not in it (`dropped` is 1), or is divided by the
/// batch.
struct Item {
    Shape shape;
    std::size_t dropped = 0;
    std::size_t batch_axis = 0;

    [[nodiscard]] bool leaves_out(std::size_t axis) const {
        return dropped == 1 && axis == batch_axis;
    }
};

/// The axis of an item for one of the dims. Throws AcrossItems where it is that of the batch.
std::int64_t item_axis(const Item& item, std::size_t axis, std::int64_t batch);
/// An activation seen with its axes in this order.
Value permuted(Value value, const Dims& order);
/// The activation that a transposed one was before.
Value before_transposing(Value value);
/// A constant of these dims whose numbers are not known.
Value unknown_constant(Value value, const Dims& dims);

/// The inputs of a model that nothing reads but one Concat that puts another tensor behind them,
/// and what asks for their shapes.
std::set<std::string> past_inputs(const Model& model);
/// "" of none.
std::string note_on_caches(int caches);

class Graph {
public:
    Graph(const Model& model, NetworkDraft& draft, std::int64_t batch, SourceMark where);

    /// Lets the batch be found on whatever axis it comes to lie: the one whose size is a multiple
    /// of it, as no size of the model is. `asked`: the batch that the model is to be read with.
    void follow_batch(std::int64_t asked) {
        follows_ = true;
        asked_ = asked;
    }

    [[nodiscard]] std::int64_t batch() const { return batch_; }
    [[nodiscard]] std::int64_t opset() const { return model_.opset; }
    [[nodiscard]] const Value* find(const std::string& name) const;
    void set(const std::string& name, Value value);
    void add_input(const std::string& name, const Dims& dims, Precision precision,
                   std::size_t batch_axis = 0);
    /// Whether a node puts new keys or values behind those of an input of the model, to be given
    /// back: a cache.
    [[nodiscard]] bool keeps_past(const Node& node) const;
    /// Whether an input of the model is read by one such node alone, beside its shape.
    [[nodiscard]] bool is_past(const std::string& input) const { return pasts_.contains(input); }
    /// An input of which nothing but the shape is read; it may have no words.
    void set_past(const std::string& input, const Dims& dims, Precision precision);
    void count_cache() { ++caches_; }
    [[nodiscard]] int caches() const { return caches_; }
    /// How many nodes and outputs of the model read a value.
    [[nodiscard]] int uses(const std::string& name) const;
    [[nodiscard]] bool is_output(const std::string& name) const;
    [[nodiscard]] NetworkDraft& draft() { return draft_; }
    [[nodiscard]] const SourceMark& where() const { return where_; }

    /// Lets `layer`, whose weights are the initialiser `tensor` seen as `shape`, use those of the
    /// layer that was first to have them so. Others have weights of their own.
    void share_weights(DraftLayer& layer, const std::string& tensor, const Shape& shape,
                       Precision precision);
    /// Says that `layer` has a bias, the initialiser `tensor`; that it has none where it shares the
    /// weights of a layer with the same bias, which is counted there.
    void set_bias(DraftLayer& layer, const std::string& tensor);

    /// Adds a layer with a result of shape `made`. Throws NotExpressible where there is none such,
    /// TooManyLayers where a network has no room for it.
    void add_layer(DraftLayer layer, const Shape& made);

    /// The axis of dims that has the batch: the leading one, of sequences with the steps in front
    /// the second, and any where the batch is followed. Throws AcrossItems where two have it.
    [[nodiscard]] std::size_t batch_axis(const Dims& dims) const;
    /// For a result of these dims. Throws AcrossItems where it has items beside items: two axes of
    /// the batch.
    void refuse_pairs(const Dims& dims) const { static_cast<void>(batch_axis(dims)); }
    /// For a node that mixes what lies along an axis. Throws AcrossItems where the batch does.
    void keep_apart(const Value& value, std::size_t axis) const;
    /// As keep_apart, for all axes from this one on.
    void keep_apart_from(const Value& value, std::size_t first) const;
    /// For a batch that is followed, seen under other dims: throws StatesBatch where those have the
    /// batch that was asked for, as a number, in its place.
    void refuse_asked(const Value& value, const Dims& dims) const;
    /// The shape of one item: the axis of the batch divided by it, and dropped where that leaves
    /// one. Throws NotOfItems.
    [[nodiscard]] Item item(const Dims& dims) const;
    /// Makes a value that is repeated a tensor of its own.
    void settle(const std::string& name);
    /// A value that was transposed as a tensor of its own: behind a layer that transposes it, if
    /// its words change their order.
    Value in_order(Value value);
    /// As in_order, of a value that leaves the model.
    void put_in_order(const std::string& name);
    /// The name of what has the words of `value` in this shape: a rename is added where it needs
    /// one. Throws NotExpressible.
    std::string read(const Value& value, const Shape& shape);

private:
    const Model& model_;
    NetworkDraft& draft_;
    std::int64_t batch_;
    bool steps_first_ = false;  ///< some cells have [steps, batch, features]
    bool follows_ = false;
    std::int64_t asked_ = 0;
    SourceMark where_;
    std::map<std::string, Value> values_;
    std::map<std::string, int> uses_;
    std::map<std::string, Shape> shapes_;  ///< of the draft's inputs and layers
    std::map<std::pair<std::string, Shape>, std::string> renames_;
    std::map<std::tuple<std::string, Shape, Dims>, std::string> transposed_;
    std::map<std::tuple<std::string, Shape, Precision>, std::string> weights_;
    std::map<std::string, std::string> biases_;  ///< by layer
    std::set<std::string> pasts_;
    int caches_ = 0;
    std::size_t planned_ = 0;  ///< layers so far, each part of a composite
};

/// One node and what its reader does with it.
class NodeReader {
public:
    NodeReader(Graph& graph, const Node& node) : graph_(graph), node_(node) {}

    [[nodiscard]] Graph& graph() { return graph_; }
    [[nodiscard]] const Node& node() const { return node_; }
    [[nodiscard]] std::string name() const;
    [[nodiscard]] std::int64_t opset() const { return graph_.opset(); }

    [[nodiscard]] bool has(std::size_t input) const;
    /// Throws NotExpressible where it is missing, unknown, or no activation (no constant).
    [[nodiscard]] const Value& input(std::size_t position) const;
    /// As input, of a value that may be repeated.
    [[nodiscard]] const Value& repeated_input(std::size_t position) const;
    [[nodiscard]] const Value& activation(std::size_t position) const;
    [[nodiscard]] const Value& constant(std::size_t position) const;
    /// The numbers of a constant input; nothing where it is missing or not known.
    [[nodiscard]] std::optional<Dims> numbers(std::size_t position) const;

    [[nodiscard]] bool has_attribute(const char* key) const;
    [[nodiscard]] std::int64_t integer(const char* key, std::int64_t fallback) const;
    [[nodiscard]] Dims integers(const char* key, const Dims& fallback) const;
    [[nodiscard]] std::string word(const char* key, const std::string& fallback) const;
    [[nodiscard]] std::vector<std::string> words(const char* key) const;
    /// An axis from the front. Throws NotExpressible where there is no such axis.
    [[nodiscard]] std::size_t axis(std::int64_t stated, std::size_t rank) const;

    /// A layer of this op with the node's name; `part` is put behind it.
    DraftLayer start(const std::string& op, const std::string& part = "");
    /// Adds the layer; output `position` of the node is its result. `weights` is the precision of
    /// its weights, if it has any.
    Value finish(DraftLayer layer, const Dims& dims, Precision activations,
                 std::optional<Precision> weights = std::nullopt, std::size_t position = 0);
    /// As finish, for a layer whose result has a shape of its own.
    Value finish_as(DraftLayer layer, const Shape& made, const Dims& dims, Precision activations,
                    std::optional<Precision> weights = std::nullopt, std::size_t position = 0);
    /// Output 0 has the words of `value` under these dims.
    void rename(const Value& value, const Dims& dims);
    void set_output(std::size_t position, Value value);

private:
    Graph& graph_;
    const Node& node_;
};

/// The precision that an element type stands for; fp32 for fp64 and those that are unreadable.
Precision precision_of(ElementType type);
std::int64_t words_of(const Dims& dims);
std::string text_of(const Dims& dims);

}  // namespace memwall::importers::onnx
