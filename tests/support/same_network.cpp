// SPDX-License-Identifier: Apache-2.0
#include "tests/support/same_network.hpp"

namespace memwall::test {
namespace {

bool same(const std::optional<Alias>& a, const std::optional<Alias>& b) {
    return a.has_value() == b.has_value() &&
           (!a || (a->of == b->of && a->axis == b->axis && a->offset == b->offset));
}

bool same(const Tensor& a, const Tensor& b) {
    return a.name == b.name && a.kind == b.kind && a.shape == b.shape &&
           a.precision == b.precision && a.stated_precision == b.stated_precision &&
           a.sparsity.has_value() == b.sparsity.has_value() &&
           (!a.sparsity || a.sparsity->text() == b.sparsity->text()) && a.producer == b.producer &&
           a.consumers == b.consumers && same(a.alias, b.alias);
}

bool same(const Layer& a, const Layer& b) {
    return a.name == b.name && a.op == b.op && a.space == b.space && a.precision == b.precision &&
           a.inputs == b.inputs && a.outputs == b.outputs && a.weights == b.weights &&
           a.other_parameters == b.other_parameters && a.no_work == b.no_work &&
           a.folded_into == b.folded_into && a.epilogue_of == b.epilogue_of;
}

}  // namespace

std::string difference(const Network& a, const Network& b) {
    if (a.name() != b.name() || a.source() != b.source() || a.batch() != b.batch()) {
        return "name, source or batch";
    }
    if (a.parts().keep_precision != b.parts().keep_precision) {
        return "keep_precision";
    }
    if (a.layers().size() != b.layers().size() || a.tensors().size() != b.tensors().size()) {
        return "number of layers or tensors";
    }
    for (std::size_t t = 0; t < a.tensors().size(); ++t) {
        if (!same(a.tensors()[t], b.tensors()[t])) {
            return "tensor " + a.tensors()[t].name;
        }
    }
    for (std::size_t l = 0; l < a.layers().size(); ++l) {
        if (!same(a.layers()[l], b.layers()[l])) {
            return "layer " + a.layers()[l].name;
        }
    }
    return "";
}

}  // namespace memwall::test
