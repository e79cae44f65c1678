// SPDX-License-Identifier: Apache-2.0
#include "workloads/stated_keys.hpp"

#include <algorithm>
#include <optional>

#include "base/yaml_writer.hpp"
#include "workloads/ops/op.hpp"

namespace memwall {
namespace {

using Keys = std::vector<YamlValue::Entry>;

class Shortener {
public:
    Shortener(const StatedLayer& layer, const std::vector<Shape>& inputs)
        : layer_(layer), inputs_(inputs), op_(find_op(layer.op)) {
        ensure(op_ != nullptr, "a stated layer has an op");
    }

    Keys shortest() const {
        Keys keys = layer_.keys;
        const auto meaning = plan(keys);
        if (!meaning) {
            return keys;
        }
        for (std::size_t k = keys.size(); k-- > 0;) {
            Keys without = keys;
            without.erase(without.begin() + static_cast<std::ptrdiff_t>(k));
            if (plan(without) == meaning) {
                keys = std::move(without);
                continue;
            }
            for (const YamlValue& shorter : short_forms(keys[k].value)) {
                Keys changed = keys;
                changed[k].value = shorter;
                if (plan(changed) == meaning) {
                    keys = std::move(changed);
                    break;
                }
            }
        }
        return keys;
    }

private:
    [[nodiscard]] std::optional<Expansion> plan(const Keys& keys) const {
        Diagnostics faults;
        const YamlValue map = YamlValue::make_map(keys, {});
        MapReader reader(map, layer_.name, faults);
        const Planner planner = op_->read(reader);
        const SourceMark nowhere;
        auto made = faults.empty()
                        ? planner({layer_.name, inputs_, nowhere, faults, layer_.channels_first})
                        : std::nullopt;
        return faults.empty() ? made : std::nullopt;
    }

    /// Shorter ways to write a list of sizes, the shortest first.
    static std::vector<YamlValue> short_forms(const YamlValue& value) {
        const std::vector<YamlValue>& items = value.items();
        const auto same = [&](std::size_t a, std::size_t b) {
            return items[a].is_scalar() && items[a].text() == items[b].text();
        };
        std::vector<YamlValue> forms;
        bool all = items.size() > 1;
        for (std::size_t item = 1; item < items.size(); ++item) {
            all = all && same(0, item);
        }
        if (all) {
            forms.push_back(items[0]);
        }
        const std::size_t half = items.size() / 2;
        bool symmetric = items.size() > 2 && items.size() % 2 == 0;
        for (std::size_t item = 0; symmetric && item < half; ++item) {
            symmetric = same(item, half + item);
        }
        if (symmetric) {
            forms.push_back(YamlValue::make_sequence(
                {items.begin(), items.begin() + static_cast<std::ptrdiff_t>(half)}, value.mark()));
        }
        return forms;
    }

    const StatedLayer& layer_;
    const std::vector<Shape>& inputs_;
    const Op* op_;
};

}  // namespace

std::vector<YamlValue::Entry> shortest_keys(const StatedLayer& layer,
                                            const std::vector<Shape>& inputs) {
    return Shortener(layer, inputs).shortest();
}

}  // namespace memwall
