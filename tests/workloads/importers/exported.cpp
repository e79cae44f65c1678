// SPDX-License-Identifier: Apache-2.0
#include "tests/workloads/importers/exported.hpp"

namespace memwall::test {

std::string Exported::node(const std::string& op, const std::vector<std::string>& inputs,
                           const OnnxAttributes& attributes) {
    return parts(op, inputs, 1, attributes)[0];
}

std::vector<std::string> Exported::parts(const std::string& op,
                                         const std::vector<std::string>& inputs, std::size_t count,
                                         const OnnxAttributes& attributes) {
    std::vector<std::string> results;
    for (std::size_t n = 0; n < count; ++n) {
        results.push_back(fresh());
    }
    model_.node(op, inputs, results, attributes);
    return results;
}

std::string Exported::weights(const Ints& dims, int type) {
    std::string name = fresh();
    model_.weights(name, dims, type);
    return name;
}

std::string Exported::constant(const Ints& values) {
    return node("Constant", {}, {{"value_ints", values}});
}

std::string Exported::constant(std::int64_t value) {
    return node("Constant", {}, {{"value_int", value}});
}

std::string Exported::real(double value) {
    std::string name = fresh();
    model_.real(name, value);
    return name;
}

std::string Exported::conv(const std::string& x, std::int64_t channels, std::int64_t filters,
                           std::int64_t kernel, std::int64_t stride, std::int64_t groups) {
    const std::int64_t pad = kernel / 2;
    return node("Conv",
                {x, weights({filters, channels / groups, kernel, kernel}), weights({filters})},
                {{"dilations", Ints{1, 1}},
                 {"group", groups},
                 {"kernel_shape", Ints{kernel, kernel}},
                 {"pads", Ints{pad, pad, pad, pad}},
                 {"strides", Ints{stride, stride}}});
}

std::string Exported::linear(const std::string& x, std::int64_t inputs, std::int64_t outputs,
                             bool bias) {
    const std::string product = node("MatMul", {x, weights({inputs, outputs})});
    return bias ? node("Add", {weights({outputs}), product}) : product;
}

std::string Exported::size(const std::string& x, std::int64_t axis) {
    const std::string one =
        node("Gather", {node("Shape", {x}), constant(axis)}, {{"axis", std::int64_t{0}}});
    return node("Unsqueeze", {one, constant(Ints{0})});
}

std::string Exported::viewed(const std::string& x, const Ints& last) {
    std::vector<std::string> sizes = {size(x, 0), size(x, 1)};
    for (const std::int64_t each : last) {
        sizes.push_back(constant(Ints{each}));
    }
    return node("Reshape", {x, node("Concat", sizes, {{"axis", std::int64_t{0}}})});
}

std::string Exported::transposed(const std::string& x, const Ints& order) {
    return node("Transpose", {x}, {{"perm", order}});
}

std::string Exported::layer_norm(const std::string& x, std::int64_t features) {
    const OnnxAttributes last = {{"axes", Ints{-1}}};
    const std::string difference = node("Sub", {x, node("ReduceMean", {x}, last)});
    const std::string square = node("Pow", {difference, real(2)});
    const std::string variance = node("Add", {node("ReduceMean", {square}, last), real(1e-5)});
    const std::string normal = node("Div", {difference, node("Sqrt", {variance})});
    const std::string scaled = node("Mul", {normal, weights({features})});
    return node("Add", {scaled, weights({features})});
}

std::string Exported::rms_norm(const std::string& x, std::int64_t features) {
    const std::string square = node("Pow", {x, real(2)});
    const std::string mean = node("ReduceMean", {square}, {{"axes", Ints{-1}}});
    const std::string root = node("Sqrt", {node("Add", {mean, real(1e-5)})});
    const std::string normal = node("Mul", {x, node("Reciprocal", {root})});
    return node("Mul", {weights({features}), normal});
}

ImportedNetwork Exported::imported(const std::string& result, const ImportOptions& options) {
    model_.output(result);
    return test::imported("exported.onnx", model_.bytes(), options);
}

}  // namespace memwall::test
