// SPDX-License-Identifier: Apache-2.0
// Models written node by node in the forms of today's exporters, names made on the way.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/onnx_models.hpp"
#include "tests/workloads/importers/imported.hpp"

namespace memwall::test {

class Exported {
public:
    using Ints = std::vector<std::int64_t>;

    explicit Exported(std::int64_t opset) : model_(opset) {}

    OnnxModel& model() { return model_; }
    /// Adds a node; its first result.
    std::string node(const std::string& op, const std::vector<std::string>& inputs,
                     const OnnxAttributes& attributes = {});
    /// A node of several results.
    std::vector<std::string> parts(const std::string& op, const std::vector<std::string>& inputs,
                                   std::size_t count, const OnnxAttributes& attributes = {});
    std::string weights(const Ints& dims, int type = kOnnxFloat);
    /// A Constant node of integers, and of one.
    std::string constant(const Ints& values);
    std::string constant(std::int64_t value);
    /// An initialiser of one number.
    std::string real(double value);

    /// A convolution with a bias into which a normalisation is folded, as torch.onnx writes it.
    std::string conv(const std::string& x, std::int64_t channels, std::int64_t filters,
                     std::int64_t kernel, std::int64_t stride, std::int64_t groups = 1);
    /// Weights behind, then a bias in front of the sum, as of a linear layer on sequences.
    std::string linear(const std::string& x, std::int64_t inputs, std::int64_t outputs,
                       bool bias = true);
    /// One size of x's shape, as an integer list of one.
    std::string size(const std::string& x, std::int64_t axis);
    /// x.view(x.size(0), x.size(1), last...).
    std::string viewed(const std::string& x, const Ints& last);
    std::string transposed(const std::string& x, const Ints& order);
    /// Mean, difference, variance, root and division, with gain and offset.
    std::string layer_norm(const std::string& x, std::int64_t features);
    std::string rms_norm(const std::string& x, std::int64_t features);

    /// The network, with `result` as the model's only output.
    ImportedNetwork imported(const std::string& result, const ImportOptions& options = {});

private:
    std::string fresh() { return "/v_" + std::to_string(++count_); }

    OnnxModel model_;
    int count_ = 0;
};

}  // namespace memwall::test
