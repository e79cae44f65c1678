// SPDX-License-Identifier: Apache-2.0
#include "workloads/expression.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <variant>

#include "base/parse.hpp"

namespace memwall {
namespace {

constexpr int kDeepest = 32;  ///< parentheses inside parentheses

bool starts_name(char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool continues_name(char c) {
    return starts_name(c) || is_digit(c);
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') {
        text.remove_prefix(1);
    }
    while (!text.empty() && text.back() == ' ') {
        text.remove_suffix(1);
    }
    return text;
}

/// Why an expression has no value.
struct ExpressionFault {
    std::string message;
};

/// One expression of whole numbers, by recursive descent.
class Arithmetic {
public:
    using Lookup = std::function<std::int64_t(std::string_view)>;

    Arithmetic(std::string_view text, const Lookup& lookup) : text_(text), lookup_(lookup) {}

    /// Throws ExpressionFault.
    std::int64_t value() {
        const std::int64_t value = sum(0);
        if (peek() != '\0') {
            unexpected();
        }
        return value;
    }

private:
    char peek() {
        while (at_ < text_.size() && text_[at_] == ' ') {
            ++at_;
        }
        return at_ < text_.size() ? text_[at_] : '\0';
    }

    [[noreturn]] void unexpected() {
        const char found = peek();
        throw ExpressionFault{found == '\0' ? "expected a number or a name at its end"
                                            : "unexpected '" + std::string(1, found) + "'"};
    }

    std::int64_t sum(int depth) {
        std::int64_t left = product(depth);
        while (peek() == '+' || peek() == '-') {
            const bool plus = text_[at_++] == '+';
            const std::int64_t right = product(depth);
            const bool overflow = plus ? __builtin_add_overflow(left, right, &left)
                                       : __builtin_sub_overflow(left, right, &left);
            if (overflow) {
                throw ExpressionFault{"the value is too large to be counted"};
            }
        }
        return left;
    }

    std::int64_t product(int depth) {
        std::int64_t left = factor(depth);
        while (peek() == '*' || peek() == '/') {
            const bool times = text_[at_++] == '*';
            const std::int64_t right = factor(depth);
            left = times ? multiplied(left, right) : divided(left, right);
        }
        return left;
    }

    static std::int64_t multiplied(std::int64_t left, std::int64_t right) {
        std::int64_t product = 0;
        if (__builtin_mul_overflow(left, right, &product)) {
            throw ExpressionFault{"the value is too large to be counted"};
        }
        return product;
    }

    static std::int64_t divided(std::int64_t left, std::int64_t right) {
        if (right == 0) {
            throw ExpressionFault{"division by zero"};
        }
        if (right == -1) {
            return multiplied(left, -1);
        }
        if (left % right != 0) {
            throw ExpressionFault{std::to_string(left) + " / " + std::to_string(right) +
                                  " is no whole number"};
        }
        return left / right;
    }

    std::int64_t factor(int depth) {
        const char next = peek();
        if (depth > kDeepest) {
            throw ExpressionFault{"too many parentheses"};
        }
        if (next == '-') {
            ++at_;
            return multiplied(factor(depth + 1), -1);
        }
        if (next == '(') {
            ++at_;
            const std::int64_t inside = sum(depth + 1);
            if (peek() != ')') {
                throw ExpressionFault{"expected ')'"};
            }
            ++at_;
            return inside;
        }
        const std::size_t begin = at_;
        if (is_digit(next)) {
            at_ = end_of(is_digit);
            const Parsed<std::int64_t> number = parse_count(text_.substr(begin, at_ - begin));
            if (const auto* fault = std::get_if<ParseFault>(&number)) {
                throw ExpressionFault{fault->message};
            }
            return std::get<0>(number);
        }
        if (!starts_name(next)) {
            unexpected();
        }
        at_ = end_of(continues_name);
        return lookup_(text_.substr(begin, at_ - begin));
    }

    [[nodiscard]] std::size_t end_of(bool (*belongs)(char)) const {
        std::size_t end = at_;
        while (end < text_.size() && belongs(text_[end])) {
            ++end;
        }
        return end;
    }

    std::string_view text_;
    const Lookup& lookup_;
    std::size_t at_ = 0;
};

std::string hint(const std::vector<Variable>& variables, const std::string& name) {
    std::vector<std::string> known;
    for (const Variable& each : variables) {
        if (std::find(known.begin(), known.end(), each.name) == known.end()) {
            known.push_back(each.name);
        }
    }
    return known.empty() ? "; only a repeated layer or 'parameters' has one"
                         : suggestion(name, known);
}

bool has_braces(const YamlValue& value) {
    switch (value.kind()) {
        case YamlValue::Kind::null:
            return false;
        case YamlValue::Kind::scalar:
            return value.text().find('{') != std::string::npos;
        case YamlValue::Kind::sequence:
            return std::any_of(value.items().begin(), value.items().end(), has_braces);
        case YamlValue::Kind::map:
            return std::any_of(
                value.entries().begin(), value.entries().end(),
                [](const YamlValue::Entry& entry) { return has_braces(entry.value); });
    }
    fail("unknown kind of YAML value");
}

}  // namespace

const Variable* Variables::find(std::string_view name) const {
    const auto found = std::find_if(all_.rbegin(), all_.rend(),
                                    [&](const Variable& each) { return each.name == name; });
    return found == all_.rend() ? nullptr : &*found;
}

std::optional<std::string> Variables::fill(const std::string& text, const SourceMark& where,
                                           Diagnostics& faults) {
    const auto known = [&](std::string_view name) -> const Variable& {
        const Variable* variable = find(name);
        if (variable == nullptr) {
            throw ExpressionFault{"unknown placeholder '{" + std::string(name) + "}' in '" + text +
                                  "'" + hint(all_, std::string(name))};
        }
        used_.emplace(name);
        return *variable;
    };
    const Arithmetic::Lookup number = [&](std::string_view name) {
        const Variable& variable = known(name);
        const Parsed<std::int64_t> parsed = parse_count(variable.value);
        if (std::holds_alternative<ParseFault>(parsed)) {
            throw ExpressionFault{"'" + text + "': '" + variable.name +
                                  "' is no whole number but '" + variable.value + "'"};
        }
        return std::get<0>(parsed);
    };
    std::string result;
    std::size_t done = 0;
    while (true) {
        const std::size_t open = text.find('{', done);
        const std::size_t close = text.find('}', open);
        if (open == std::string::npos || close == std::string::npos) {
            return result + text.substr(done);
        }
        result += text.substr(done, open - done);
        const std::string_view inside =
            trimmed(std::string_view(text).substr(open + 1, close - open - 1));
        try {
            result += is_variable_name(inside) ? known(inside).value
                                               : std::to_string(Arithmetic(inside, number).value());
        } catch (const ExpressionFault& fault) {
            const bool told = fault.message.find("'" + text + "'") != std::string::npos;
            faults.error(where, told ? fault.message : "'" + text + "': " + fault.message);
            return std::nullopt;
        }
        done = close + 1;
    }
}

YamlValue Variables::fill(const YamlValue& value, Diagnostics& faults) {
    if (!has_braces(value)) {
        return value;
    }
    if (value.is_scalar()) {
        const auto text = fill(value.text(), value.mark(), faults);
        return text ? YamlValue::make_scalar(*text, value.mark())
                    : YamlValue::make_null(value.mark());
    }
    if (value.is_sequence()) {
        std::vector<YamlValue> items;
        for (const YamlValue& item : value.items()) {
            items.push_back(fill(item, faults));
        }
        return YamlValue::make_sequence(std::move(items), value.mark());
    }
    std::vector<YamlValue::Entry> entries;
    for (const YamlValue::Entry& entry : value.entries()) {
        entries.push_back({entry.key, entry.key_mark, fill(entry.value, faults)});
    }
    return YamlValue::make_map(std::move(entries), value.mark());
}

bool mentions(const std::string& text, std::string_view name) {
    for (std::size_t open = text.find('{'); open != std::string::npos;
         open = text.find('{', open + 1)) {
        const std::size_t close = text.find('}', open);
        for (std::size_t at = open + 1; at < text.size() && at < close;) {
            if (!continues_name(text[at])) {
                ++at;
                continue;
            }
            const std::size_t begin = at;
            while (at < text.size() && continues_name(text[at])) {
                ++at;
            }
            if (std::string_view(text).substr(begin, at - begin) == name) {
                return true;
            }
        }
    }
    return false;
}

bool is_variable_name(std::string_view text) {
    return !text.empty() && starts_name(text.front()) &&
           std::all_of(text.begin(), text.end(), continues_name);
}

}  // namespace memwall
