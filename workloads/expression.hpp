// SPDX-License-Identifier: Apache-2.0
// Texts of a network file with expressions in braces: "{4 * hidden}", "block{i}_conv",
// "{previous}".
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/yaml_value.hpp"

namespace memwall {

/// A name that may stand in braces: a parameter of the network, the counter of a repeated block, or
/// the layer before.
struct Variable {
    std::string name;
    std::string value;
    bool counter = false;  ///< of a block that runs more than once: names of layers need it
};

/// The variables that are known at a place of the file, the innermost last.
class Variables {
public:
    void push(Variable variable) { all_.push_back(std::move(variable)); }
    void pop() { all_.pop_back(); }
    [[nodiscard]] const std::vector<Variable>& all() const { return all_; }
    /// The innermost of a name, or nullptr.
    [[nodiscard]] const Variable* find(std::string_view name) const;
    /// The names that an expression has read so far.
    [[nodiscard]] const std::set<std::string, std::less<>>& used() const { return used_; }

    /// `text` with each expression in braces replaced by its value. A lone name stands for its
    /// text; everything else is arithmetic of whole numbers: + - * / and parentheses, where a
    /// division must come out even. Nothing, and a fault at `where`, if that goes wrong.
    std::optional<std::string> fill(const std::string& text, const SourceMark& where,
                                    Diagnostics& faults);
    /// A tree with all its scalars filled; those that go wrong are null.
    YamlValue fill(const YamlValue& value, Diagnostics& faults);

private:
    std::vector<Variable> all_;
    std::set<std::string, std::less<>> used_;
};

/// Whether `text` has an expression in braces that reads the variable `name`.
bool mentions(const std::string& text, std::string_view name);
/// A letter or '_', then letters, digits and '_'.
bool is_variable_name(std::string_view text);

}  // namespace memwall
