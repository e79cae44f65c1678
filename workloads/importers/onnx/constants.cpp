// SPDX-License-Identifier: Apache-2.0
#include "workloads/importers/onnx/constants.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <set>

#include "workloads/importers/onnx/refusal.hpp"

namespace memwall::importers::onnx {
namespace {

using Numbers = std::vector<double>;
using Dims = std::vector<std::int64_t>;
using Inputs = std::vector<const Constant*>;
using Result = std::optional<Constant>;

const Constant* at(const Inputs& inputs, std::size_t position) {
    return position < inputs.size() ? inputs[position] : nullptr;
}

std::int64_t attribute(const Node& node, const char* name, std::int64_t fallback) {
    const auto found = node.attributes.find(name);
    return found == node.attributes.end() ? fallback : found->second.integer;
}

Result vector_of(ElementType type, Numbers numbers) {
    if (numbers.size() > static_cast<std::size_t>(kMostNumbers)) {
        return std::nullopt;
    }
    return Constant{type, {static_cast<std::int64_t>(numbers.size())}, std::move(numbers)};
}

using Binary = std::function<double(double, double)>;

/// Element by element; both of the same numbers of words, or one of them a single number.
Result elementwise(const Inputs& inputs, const Binary& operation) {
    const Constant& a = *inputs[0];
    const Constant& b = *inputs[1];
    const auto dims = broadcast(a.dims, b.dims);
    if (!dims) {
        return std::nullopt;
    }
    const std::size_t size = std::max(a.numbers->size(), b.numbers->size());
    const auto words = std::accumulate(dims->begin(), dims->end(), 1.0, std::multiplies<>());
    if (words != static_cast<double>(size)) {
        return std::nullopt;
    }
    Numbers numbers(size, 0);
    for (std::size_t n = 0; n < size; ++n) {
        numbers[n] = operation((*a.numbers)[a.numbers->size() == 1 ? 0 : n],
                               (*b.numbers)[b.numbers->size() == 1 ? 0 : n]);
    }
    return Constant{a.type, *dims, std::move(numbers)};
}

Result mapped(const Inputs& inputs, const std::function<double(double)>& operation) {
    Constant result = *inputs[0];
    for (double& number : *result.numbers) {
        number = operation(number);
    }
    return result;
}

bool is_real(ElementType type) {
    return type == ElementType::fp32 || type == ElementType::fp16 || type == ElementType::fp64 ||
           type == ElementType::bf16;
}

double divided(double a, double b, ElementType type) {
    if (is_real(type)) {
        return a / b;
    }
    if (b == 0) {
        throw Contradiction{"a division of " + std::to_string(whole(a)) + " by 0"};
    }
    return std::trunc(a / b);
}

double remainder_of(double a, double b, ElementType type) {
    if (b == 0 && !is_real(type)) {
        throw Contradiction{"the remainder of " + std::to_string(whole(a)) + " divided by 0"};
    }
    return a - std::floor(a / b) * b;
}

Result gathered(const Node& node, const Inputs& inputs) {
    const Constant& data = *inputs[0];
    const auto indices = whole_numbers(at(inputs, 1));
    if (!indices || data.dims.size() > 1 || attribute(node, "axis", 0) != 0) {
        return std::nullopt;
    }
    Constant result = {data.type, inputs[1]->dims, Numbers{}};
    const auto size = static_cast<std::int64_t>(data.numbers->size());
    for (const std::int64_t index : *indices) {
        const std::int64_t from_front = index < 0 ? index + size : index;
        if (from_front < 0 || from_front >= size) {
            return std::nullopt;
        }
        result.numbers->push_back((*data.numbers)[static_cast<std::size_t>(from_front)]);
    }
    return result;
}

Result sliced(const Node& node, const Inputs& inputs) {
    const Constant& data = *inputs[0];
    const auto from_attribute = [&](const char* name) {
        const auto found = node.attributes.find(name);
        return found == node.attributes.end() ? std::vector<std::int64_t>{}
                                              : found->second.integers;
    };
    const auto starts = whole_numbers(at(inputs, 1)).value_or(from_attribute("starts"));
    const auto ends = whole_numbers(at(inputs, 2)).value_or(from_attribute("ends"));
    const auto steps = whole_numbers(at(inputs, 4)).value_or(std::vector<std::int64_t>{1});
    if (data.dims.size() != 1 || starts.size() != 1 || ends.size() != 1 || steps.size() != 1 ||
        steps[0] == 0) {
        return std::nullopt;
    }
    const auto size = static_cast<std::int64_t>(data.numbers->size());
    const auto clamped = [&](std::int64_t index, std::int64_t least, std::int64_t most) {
        return std::clamp(index < 0 ? index + size : index, least, most);
    };
    Numbers numbers;
    if (steps[0] > 0) {
        for (std::int64_t n = clamped(starts[0], 0, size); n < clamped(ends[0], 0, size);
             n += std::min(steps[0], size)) {
            numbers.push_back((*data.numbers)[static_cast<std::size_t>(n)]);
        }
    } else {
        const std::int64_t end = ends[0] < -size ? -1 : clamped(ends[0], -1, size - 1);
        for (std::int64_t n = clamped(starts[0], -1, size - 1); n > end;
             n += std::max(steps[0], -size)) {
            numbers.push_back((*data.numbers)[static_cast<std::size_t>(n)]);
        }
    }
    return vector_of(data.type, std::move(numbers));
}

Result joined(const Inputs& inputs) {
    Numbers numbers;
    for (const Constant* each : inputs) {
        if (each == nullptr || each->dims.size() > 1) {
            return std::nullopt;
        }
        numbers.insert(numbers.end(), each->numbers->begin(), each->numbers->end());
    }
    return vector_of(inputs[0]->type, std::move(numbers));
}

Result filled(const Node& node, const Inputs& inputs) {
    const auto dims = whole_numbers(inputs[0]);
    const auto value = node.attributes.find("value");
    ElementType type = ElementType::fp32;
    Dims shape;
    double number = 0;
    if (value != node.attributes.end() && value->second.tensor) {
        type = value->second.tensor->type;
        const auto& given = value->second.tensor->numbers;
        number = given && !given->empty() ? (*given)[0] : 0;
    }
    double words = 1;
    for (const std::int64_t dim : *dims) {
        if (dim < 0) {
            return std::nullopt;
        }
        shape.push_back(dim);
        words *= static_cast<double>(dim);
    }
    std::optional<Numbers> numbers;
    if (words <= static_cast<double>(kMostNumbers)) {
        numbers = Numbers(static_cast<std::size_t>(words), number);
    }
    return Constant{type, shape, std::move(numbers)};
}

Result counted(const Inputs& inputs) {
    const Constant* limit = at(inputs, 1);
    const Constant* step = at(inputs, 2);
    if (limit == nullptr || step == nullptr || inputs[0]->numbers->size() != 1 ||
        limit->numbers->size() != 1 || step->numbers->size() != 1) {
        return std::nullopt;
    }
    const double first = (*inputs[0]->numbers)[0];
    const double by = (*step->numbers)[0];
    const double count = by == 0 ? 0 : std::ceil(((*limit->numbers)[0] - first) / by);
    if (!(count <= static_cast<double>(kMostNumbers))) {
        return std::nullopt;
    }
    Numbers numbers;
    for (double n = 0; n < count; ++n) {
        numbers.push_back(first + n * by);
    }
    return vector_of(inputs[0]->type, std::move(numbers));
}

Result chosen(const Inputs& inputs) {
    if (inputs.size() != 3 || inputs[1] == nullptr || inputs[2] == nullptr) {
        return std::nullopt;
    }
    const std::size_t size = std::max(
        {inputs[0]->numbers->size(), inputs[1]->numbers->size(), inputs[2]->numbers->size()});
    const auto number = [&](const Constant& of, std::size_t n) {
        return (*of.numbers)[of.numbers->size() == 1 ? 0 : n];
    };
    for (const Constant* each : inputs) {
        if (each->numbers->size() != size && each->numbers->size() != 1) {
            return std::nullopt;
        }
    }
    Numbers numbers;
    for (std::size_t n = 0; n < size; ++n) {
        numbers.push_back(number(*inputs[number(*inputs[0], n) != 0 ? 1 : 2], n));
    }
    const auto two = broadcast(inputs[1]->dims, inputs[2]->dims);
    const auto dims = two ? broadcast(inputs[0]->dims, *two) : std::nullopt;
    if (!dims || std::accumulate(dims->begin(), dims->end(), 1.0, std::multiplies<>()) !=
                     static_cast<double>(size)) {
        return std::nullopt;
    }
    return Constant{inputs[1]->type, *dims, std::move(numbers)};
}

Result product(const Inputs& inputs) {
    double all = 1;
    for (const double number : *inputs[0]->numbers) {
        all *= number;
    }
    return Constant{inputs[0]->type, {}, Numbers{all}};
}

Result binary(const Node& node, const Inputs& inputs) {
    const ElementType type = inputs[0]->type;
    const std::map<std::string, Binary> operations = {
        {"Add", [](double a, double b) { return a + b; }},
        {"Sub", [](double a, double b) { return a - b; }},
        {"Mul", [](double a, double b) { return a * b; }},
        {"Div", [type](double a, double b) { return divided(a, b, type); }},
        {"Mod", [type](double a, double b) { return remainder_of(a, b, type); }},
        {"Pow", [](double a, double b) { return std::pow(a, b); }},
        {"Min", [](double a, double b) { return std::min(a, b); }},
        {"Max", [](double a, double b) { return std::max(a, b); }},
        {"Equal", [](double a, double b) { return a == b ? 1.0 : 0.0; }},
        {"Greater", [](double a, double b) { return a > b ? 1.0 : 0.0; }},
        {"Less", [](double a, double b) { return a < b ? 1.0 : 0.0; }}};
    const auto found = operations.find(node.op);
    if (found == operations.end() || at(inputs, 1) == nullptr) {
        return std::nullopt;
    }
    return elementwise(inputs, found->second);
}

Result cast(const Node& node, const Inputs& inputs) {
    const auto type = static_cast<ElementType>(attribute(node, "to", 0));
    if (!unreadable(type).empty()) {
        return std::nullopt;
    }
    Numbers numbers = *inputs[0]->numbers;
    for (double& number : numbers) {
        number = is_real(type) ? number : std::trunc(number);
    }
    return Constant{type, inputs[0]->dims, std::move(numbers)};
}

}  // namespace

std::int64_t whole(double number) {
    constexpr double kEdge = 9.2e18;
    if (!(number > -kEdge)) {
        return std::numeric_limits<std::int64_t>::min() / 2;
    }
    return number < kEdge ? static_cast<std::int64_t>(number)
                          : std::numeric_limits<std::int64_t>::max() / 2;
}

std::optional<std::vector<std::int64_t>> whole_numbers(const Constant* constant) {
    if (constant == nullptr || !constant->numbers) {
        return std::nullopt;
    }
    std::vector<std::int64_t> numbers;
    for (const double number : *constant->numbers) {
        numbers.push_back(whole(number));
    }
    return numbers;
}

std::optional<std::vector<std::int64_t>> broadcast(const std::vector<std::int64_t>& a,
                                                   const std::vector<std::int64_t>& b) {
    const std::size_t rank = std::max(a.size(), b.size());
    std::vector<std::int64_t> dims(rank, 1);
    for (std::size_t axis = 0; axis < rank; ++axis) {
        const auto size = [&](const std::vector<std::int64_t>& of) {
            return axis + of.size() < rank ? 1 : of[axis + of.size() - rank];
        };
        if (size(a) != size(b) && size(a) != 1 && size(b) != 1) {
            return std::nullopt;
        }
        dims[axis] = size(a) == 1 ? size(b) : size(a);
    }
    return dims;
}

bool computes_shapes(const Node& node) {
    static const std::set<std::string, std::less<>> kOperators = {
        "Ceil", "ConstantOfShape", "Equal",      "Floor", "Greater", "Less", "Max", "Min",
        "Mod",  "Range",           "ReduceProd", "Sqrt",  "Where"};
    return node.domain.empty() && kOperators.contains(node.op);
}

std::optional<Constant> folded(const Node& node, const std::vector<const Constant*>& inputs) {
    for (const Constant* each : inputs) {
        if (each != nullptr && !each->numbers) {
            return std::nullopt;
        }
    }
    if (inputs.empty() || inputs[0] == nullptr) {
        return std::nullopt;
    }
    const std::string& op = node.op;
    if (op == "Identity") {
        return *inputs[0];
    }
    if (op == "Cast") {
        return cast(node, inputs);
    }
    if (op == "Gather") {
        return gathered(node, inputs);
    }
    if (op == "Slice") {
        return sliced(node, inputs);
    }
    if (op == "Concat") {
        return joined(inputs);
    }
    if (op == "ConstantOfShape") {
        return filled(node, inputs);
    }
    if (op == "Range") {
        return counted(inputs);
    }
    if (op == "Where") {
        return chosen(inputs);
    }
    if (op == "ReduceProd") {
        return product(inputs);
    }
    if (op == "Floor" || op == "Ceil" || op == "Sqrt" || op == "Neg") {
        return mapped(inputs, [&](double x) {
            return op == "Floor"  ? std::floor(x)
                   : op == "Ceil" ? std::ceil(x)
                   : op == "Sqrt" ? std::sqrt(x)
                                  : -x;
        });
    }
    return binary(node, inputs);
}

}  // namespace memwall::importers::onnx
