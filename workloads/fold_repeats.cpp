// SPDX-License-Identifier: Apache-2.0
#include "workloads/fold_repeats.hpp"

#include <algorithm>
#include <optional>

namespace memwall {
namespace {

constexpr std::size_t kLongestBlock = 512;
constexpr std::size_t kMostDigits = 4;     ///< of a counter: the reader takes values up to 50,000
constexpr std::size_t kDeepest = 4;        ///< blocks inside blocks
constexpr std::size_t kLinesOfABlock = 3;  ///< that a block adds: a shorter saving reads worse
constexpr const char* kPrevious = "{previous}";

/// A piece of a name: a number, or the text between numbers.
struct Token {
    std::string text;
    bool number = false;

    friend bool operator==(const Token&, const Token&) = default;
};
using Tokens = std::vector<Token>;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

Tokens tokens(const std::string& name) {
    Tokens found;
    for (const char c : name) {
        if (found.empty() || found.back().number != is_digit(c)) {
            found.push_back({"", is_digit(c)});
        }
        found.back().text += c;
    }
    return found;
}

std::string text(const Tokens& name) {
    std::string all;
    for (const Token& token : name) {
        all += token.text;
    }
    return all;
}

/// The value of a number that may be a counter: without leading zeros and not too large.
std::optional<std::int64_t> counter_value(const Token& token) {
    if (!token.number || token.text.size() > kMostDigits ||
        (token.text.size() > 1 && token.text[0] == '0')) {
        return std::nullopt;
    }
    return std::stoll(token.text);
}

/// A layer with its names cut into tokens; an input may be what the block around it reads first.
struct Node {
    Tokens name;
    std::vector<Tokens> inputs;  ///< empty: the layer before
    std::string rest;
};

/// What the nodes of a block have in common with those of its repeats.
struct Template {
    std::vector<Node> nodes;
    std::int64_t from = 1;
    std::size_t count = 1;
};

class Folder {
public:
    explicit Folder(std::size_t depth) : depth_(depth), index_(1, static_cast<char>('i' + depth)) {}

    /// `before` is what stands before the first node.
    std::vector<WrittenItem> fold(const std::vector<Node>& nodes, const Tokens& before) const {
        std::vector<WrittenItem> items;
        std::size_t at = 0;
        while (at < nodes.size()) {
            const std::optional<Template> run = best_run(nodes, at, before);
            if (!run) {
                items.push_back({written(nodes[at]), 0, 1, "", {}});
                ++at;
                continue;
            }
            WrittenItem block;
            block.repeat = static_cast<std::int64_t>(run->count);
            block.from = run->from;
            block.index = index_;
            block.body = Folder(depth_ + 1).fold(run->nodes, {{kPrevious, false}});
            items.push_back(std::move(block));
            at += run->count * run->nodes.size();
        }
        return items;
    }

private:
    [[nodiscard]] Token counter() const { return {"{" + index_ + "}", false}; }

    static WrittenLayer written(const Node& node) {
        WrittenLayer layer = {text(node.name), {}, node.rest};
        for (const Tokens& input : node.inputs) {
            layer.inputs.push_back(text(input));
        }
        return layer;
    }

    /// The block that begins at `at` and saves the most lines; of equal ones the shortest.
    [[nodiscard]] std::optional<Template> best_run(const std::vector<Node>& nodes, std::size_t at,
                                                   const Tokens& before) const {
        std::optional<Template> best;
        std::size_t saved = kLinesOfABlock - 1;
        const std::size_t longest =
            depth_ < kDeepest ? std::min(kLongestBlock, (nodes.size() - at) / 2) : 0;
        for (std::size_t length = 1; length <= longest; ++length) {
            std::optional<Template> run = common(nodes, at, length, before);
            if (!run) {
                continue;
            }
            while (at + (run->count + 1) * length <= nodes.size() &&
                   repeats(nodes, at + run->count * length, *run)) {
                ++run->count;
            }
            const std::size_t saves = (run->count - 1) * length;
            if (saves > saved) {
                saved = saves;
                best = std::move(run);
            }
        }
        return best;
    }

    /// What the block of `length` nodes at `at` has in common with the block behind it.
    [[nodiscard]] std::optional<Template> common(const std::vector<Node>& nodes, std::size_t at,
                                                 std::size_t length, const Tokens& before) const {
        Template shared;
        std::optional<std::int64_t> from;
        for (std::size_t n = at; n < at + length; ++n) {
            if (nodes[n].rest != nodes[n + length].rest ||
                nodes[n].inputs.size() != nodes[n + length].inputs.size()) {
                return std::nullopt;
            }
            std::optional<Tokens> name = with_counter(nodes[n].name, nodes[n + length].name, from);
            if (!name || *name == nodes[n].name) {
                return std::nullopt;
            }
            shared.nodes.push_back({std::move(*name), {}, nodes[n].rest});
        }
        const Tokens& first = at == 0 ? before : nodes[at - 1].name;
        const Tokens& last = nodes[at + length - 1].name;
        for (std::size_t n = 0; n < length; ++n) {
            for (std::size_t input = 0; input < nodes[at + n].inputs.size(); ++input) {
                const Tokens& here = nodes[at + n].inputs[input];
                const Tokens& there = nodes[at + n + length].inputs[input];
                std::optional<Tokens> name;
                if (here == first && there == last) {
                    name = Tokens{{kPrevious, false}};
                } else if (text(here) != kPrevious) {
                    name = with_counter(here, there, from);
                }
                if (!name) {
                    return std::nullopt;
                }
                shared.nodes[n].inputs.push_back(std::move(*name));
            }
        }
        shared.from = *from;
        return shared;
    }

    /// `here` with a counter wherever `there` has the next number; nothing where they differ
    /// otherwise. `from` is the counter's value here, once it is known.
    [[nodiscard]] std::optional<Tokens> with_counter(const Tokens& here, const Tokens& there,
                                                     std::optional<std::int64_t>& from) const {
        if (here.size() != there.size()) {
            return std::nullopt;
        }
        Tokens name = here;
        for (std::size_t t = 0; t < here.size(); ++t) {
            if (here[t] == there[t]) {
                continue;
            }
            const auto value = counter_value(here[t]);
            const auto next = counter_value(there[t]);
            if (!value || !next || *next != *value + 1 || (from && *from != *value)) {
                return std::nullopt;
            }
            from = value;
            name[t] = counter();
        }
        return name;
    }

    /// Whether the nodes at `at` are the next repeat.
    [[nodiscard]] bool repeats(const std::vector<Node>& nodes, std::size_t at,
                               const Template& run) const {
        const std::string value = std::to_string(run.from + static_cast<std::int64_t>(run.count));
        const Tokens& previous = nodes[at - 1].name;
        for (std::size_t n = 0; n < run.nodes.size(); ++n) {
            const Node& node = nodes[at + n];
            const Node& pattern = run.nodes[n];
            if (node.rest != pattern.rest || node.inputs.size() != pattern.inputs.size() ||
                !matches(node.name, pattern.name, value)) {
                return false;
            }
            for (std::size_t input = 0; input < node.inputs.size(); ++input) {
                const Tokens& wanted = pattern.inputs[input];
                const bool same = text(wanted) == kPrevious
                                      ? node.inputs[input] == previous
                                      : matches(node.inputs[input], wanted, value);
                if (!same) {
                    return false;
                }
            }
        }
        return true;
    }

    [[nodiscard]] bool matches(const Tokens& name, const Tokens& pattern,
                               const std::string& value) const {
        const Token mark = counter();
        const Token here = {value, true};
        return std::equal(name.begin(), name.end(), pattern.begin(), pattern.end(),
                          [&](const Token& token, const Token& wanted) {
                              return token == (wanted == mark ? here : wanted);
                          });
    }

    std::size_t depth_;
    std::string index_;
};

}  // namespace

std::vector<WrittenItem> fold_repeats(const std::vector<WrittenLayer>& layers,
                                      const std::string& first_input) {
    std::vector<Node> nodes;
    std::string before = first_input;
    for (const WrittenLayer& layer : layers) {
        Node node = {tokens(layer.name), {}, layer.rest};
        const bool by_default = layer.inputs == std::vector<std::string>{before} && !before.empty();
        for (const std::string& input : layer.inputs) {
            if (!by_default) {
                node.inputs.push_back(tokens(input));
            }
        }
        before = layer.name;
        nodes.push_back(std::move(node));
    }
    return Folder(0).fold(nodes, tokens(first_input));
}

}  // namespace memwall
