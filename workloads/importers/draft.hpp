// SPDX-License-Identifier: Apache-2.0
// A network file in the making: what importers write into.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/yaml_value.hpp"
#include "workloads/network.hpp"

namespace memwall::importers {

/// A layer as an importer states it.
struct DraftLayer {
    std::string name;
    std::string op;
    std::vector<std::string> inputs;
    std::vector<YamlValue::Entry> keys;
    SourceMark where;
    bool doubtful = false;  ///< made for something that turned out not to be expressible

    DraftLayer& set(const std::string& key, std::int64_t value);
    DraftLayer& set_text(const std::string& key, const std::string& value);
    DraftLayer& set_list(const std::string& key, const std::vector<std::int64_t>& values);
    DraftLayer& set_flag(const std::string& key, bool value);
    /// Another value for a key that is there.
    void replace_flag(const std::string& key, bool value);
};

class NetworkDraft {
public:
    NetworkDraft(const std::string& name, const std::string& source, SourceMark where);

    /// `wanted` without characters that mean something in a network file; with a number behind it
    /// where it is taken. The name is taken from now on.
    std::string take_name(const std::string& wanted);

    /// The names of these were taken before.
    void add_input(const std::string& name, const Shape& shape, const std::string& precision,
                   const SourceMark& where);
    void add_layer(DraftLayer layer);
    /// The layers from this position on are kept only if something else reads them.
    void doubt_from(std::size_t position);
    /// Drops doubtful layers that no layer reads and that are none of `results`.
    void drop_doubtful(const std::set<std::string, std::less<>>& results);
    /// Of each M weights in a row only N of the layer are not zero: "N:M".
    void prune(const std::string& layer, const std::string& pattern, const SourceMark& where);
    void set_precision(const std::string& policy) { precision_ = policy; }

    /// nullptr where there is none of that name.
    [[nodiscard]] DraftLayer* find_layer(const std::string& name);
    [[nodiscard]] bool empty() const { return layers_.empty(); }
    [[nodiscard]] const std::vector<DraftLayer>& layers() const { return layers_; }
    /// The file; inputs that no layer reads are left out.
    [[nodiscard]] YamlValue tree() const;

private:
    struct Input {
        std::string name;
        Shape shape;
        std::string precision;
        SourceMark where;
    };

    /// The layers of one pattern of sparsity.
    struct Pruned {
        std::vector<std::string> layers;
        SourceMark where;  ///< of the first
    };

    /// Whether all layers that read it compute in its precision, which then need not be stated.
    [[nodiscard]] bool is_demanded(const Input& input) const;
    [[nodiscard]] YamlValue layer_tree(const DraftLayer& layer) const;
    [[nodiscard]] YamlValue transforms() const;

    std::string name_;
    std::string source_;
    std::string precision_;
    SourceMark where_;
    std::set<std::string, std::less<>> taken_;
    std::vector<Input> inputs_;
    std::vector<DraftLayer> layers_;
    std::map<std::string, std::size_t, std::less<>> positions_;
    std::map<std::string, Pruned> pruned_;  ///< by pattern
};

/// "[1, 2]" as a value, all at one place.
YamlValue number_list(const std::vector<std::int64_t>& numbers, const SourceMark& where);

}  // namespace memwall::importers
