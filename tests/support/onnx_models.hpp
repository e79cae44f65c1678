// SPDX-License-Identifier: Apache-2.0
// ONNX models made with the ONNX library itself, and what its own shape inference says of them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace memwall::test {

using OnnxAttribute = std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>>;
using OnnxAttributes = std::vector<std::pair<std::string, OnnxAttribute>>;

/// Element types by their numbers in the format.
inline constexpr int kOnnxFloat = 1;
inline constexpr int kOnnxUint8 = 2;
inline constexpr int kOnnxInt8 = 3;
inline constexpr int kOnnxInt32 = 6;
inline constexpr int kOnnxInt64 = 7;
inline constexpr int kOnnxText = 8;
inline constexpr int kOnnxHalf = 10;

class OnnxModel {
public:
    explicit OnnxModel(std::int64_t opset = 17);
    ~OnnxModel();
    OnnxModel(const OnnxModel&) = delete;
    OnnxModel& operator=(const OnnxModel&) = delete;

    /// A size that is no number is the name of one.
    OnnxModel& input(const std::string& name, const std::vector<std::string>& dims,
                     int type = kOnnxFloat);
    OnnxModel& output(const std::string& name);
    /// States the shape of a value on the way, sizes as those of inputs.
    OnnxModel& declare(const std::string& name, const std::vector<std::string>& dims);
    /// States the shape of every value that ONNX's inference knows.
    OnnxModel& declare_inferred();
    /// An initialiser without data, as where the data is in another file.
    OnnxModel& weights(const std::string& name, const std::vector<std::int64_t>& dims,
                       int type = kOnnxFloat);
    OnnxModel& integers(const std::string& name, const std::vector<std::int64_t>& values,
                        bool scalar = false);
    OnnxModel& real(const std::string& name, double value);
    OnnxModel& reals(const std::string& name, const std::vector<double>& values);
    /// The node is called by its first output and "_node".
    OnnxModel& node(const std::string& op, const std::vector<std::string>& inputs,
                    const std::vector<std::string>& outputs, const OnnxAttributes& attributes = {},
                    const std::string& domain = "");

    [[nodiscard]] std::string bytes() const;
    /// The dims of every value that ONNX's inference knows.
    [[nodiscard]] std::map<std::string, std::vector<std::int64_t>> inferred() const;

private:
    struct Content;
    std::unique_ptr<Content> content_;
};

}  // namespace memwall::test
