// SPDX-License-Identifier: Apache-2.0
// An ONNX model in plain C++: what an importer needs of it, without its large tensors.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "workloads/importers/importer.hpp"

namespace memwall::importers::onnx {

/// Element types by the numbers that the format gives them.
enum class ElementType : std::int32_t {
    unknown = 0,
    fp32 = 1,
    uint8 = 2,
    int8 = 3,
    uint16 = 4,
    int16 = 5,
    int32 = 6,
    int64 = 7,
    text = 8,
    boolean = 9,
    fp16 = 10,
    fp64 = 11,
    uint32 = 12,
    uint64 = 13,
    complex64 = 14,
    complex128 = 15,
    bf16 = 16,
    fp8_e4m3 = 17,
    fp8_e4m3_fnuz = 18,
    fp8_e5m2 = 19,
    fp8_e5m2_fnuz = 20,
    uint4 = 21,
    int4 = 22,
    fp4_e2m1 = 23,
    fp8_e8m0 = 24
};

/// What elements are of a type that no layer computes with, in words; "" of those that one can.
std::string unreadable(ElementType type);

/// A size, or the name of one, or neither.
struct Size {
    std::optional<std::int64_t> value;
    std::string symbol;
};

/// Whether a size has no number; 0 and -1 stand for none in some exports.
inline bool is_open(const Size& size) {
    return !size.value || *size.value == 0 || *size.value == -1;
}

/// A tensor of which a type and, if `shape`, the sizes are stated.
struct Stated {
    std::string name;
    ElementType type = ElementType::unknown;
    std::optional<std::vector<Size>> shape;
};

/// A constant; its numbers only where they are few.
struct Constant {
    ElementType type = ElementType::unknown;
    std::vector<std::int64_t> dims;
    std::optional<std::vector<double>> numbers;
};

struct Attribute {
    std::int64_t integer = 0;
    double real = 0;
    std::string text;
    std::vector<std::int64_t> integers;
    std::vector<double> reals;
    std::vector<std::string> texts;
    std::optional<Constant> tensor;
};

struct Node {
    std::string name;
    std::string op;
    std::string domain;  ///< "" for the operators of ONNX itself
    std::vector<std::string> inputs;
    std::vector<std::string> outputs;
    std::map<std::string, Attribute> attributes;
};

inline bool is_recurrent(const Node& node) {
    return node.domain.empty() && (node.op == "LSTM" || node.op == "GRU" || node.op == "RNN");
}
/// Whether a node's cells read [steps, batch, features], as they do by default.
inline bool has_steps_first(const Node& node) {
    const auto layout = node.attributes.find("layout");
    return is_recurrent(node) && (layout == node.attributes.end() || layout->second.integer == 0);
}

struct Model {
    std::string name;
    std::string producer;
    std::int64_t opset = 0;      ///< of ONNX's own operators
    std::vector<Stated> inputs;  ///< initialisers left out
    std::vector<std::string> outputs;
    std::vector<Stated> values;    ///< of outputs, and of what lies between, as far as it is stated
    std::vector<Stated> inferred;  ///< the same, found by ONNX's own inference
    std::map<std::string, Constant> initialisers;
    std::vector<Node> nodes;
};

/// Constants of at most this many numbers keep them: shapes, axes, paddings, scales.
inline constexpr std::int64_t kMostNumbers = 4096;

/// The model in a file. With `infer`, the shapes that ONNX's own inference finds are in `inferred`,
/// up to the operator set that it knows. A file that is cut off, no model, or of a newer
/// operator set is one fault, and nothing comes of it.
std::optional<Model> parse_model(const ImportFile& file, bool infer, Diagnostics& faults);

/// The bytes of a model without the data of its large tensors and without nested graphs.
struct Slimmed {
    std::string bytes;
    std::string fault;  ///< why there are none, "" where there are
};

/// Walks the wire format. Faults: the bytes are no message, or what is left is larger than any real
/// model.
Slimmed slimmed(const std::string& bytes);

}  // namespace memwall::importers::onnx
