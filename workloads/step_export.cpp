// SPDX-License-Identifier: Apache-2.0
#include "workloads/step_export.hpp"

#include <cctype>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/parse.hpp"
#include "workloads/network_export.hpp"
#include "workloads/network_yaml.hpp"

namespace memwall {
namespace {

/// A text as what lies between its whole numbers, and these. The first piece is between.
std::vector<std::string> pieces(const std::string& text) {
    const auto digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
    std::vector<std::string> found(1);
    for (const char c : text) {
        if (digit(c) != (found.size() % 2 == 0)) {
            found.emplace_back();
        }
        found.back() += c;
    }
    return found;
}

std::string term(std::int64_t times, const char* parameter) {
    return times == 1 ? parameter : std::to_string(times) + " * " + parameter;
}

/// The number that is `here` at a step and grows by so much with each position and each token of
/// the context.
std::optional<std::string> expression(std::int64_t here, std::int64_t by_position,
                                      std::int64_t by_context, StepSize step) {
    const std::int64_t rest = here - by_position * step.positions - by_context * step.context;
    if (by_position < 0 || by_context < 0) {
        return std::nullopt;
    }
    std::string sum = by_position > 0 ? term(by_position, "positions") : "";
    if (by_context > 0) {
        sum += (sum.empty() ? "" : " + ") + term(by_context, "context");
    }
    if (rest != 0) {
        sum += (rest > 0 ? " + " : " - ") + std::to_string(rest > 0 ? rest : -rest);
    }
    return "\"{" + sum + "}\"";
}

/// `here` with expressions for the numbers in which it differs from the texts of one more position
/// and of one more token in the context.
std::optional<std::string> merged(const std::vector<std::string>& here,
                                  const std::vector<std::string>& longer,
                                  const std::vector<std::string>& later, StepSize step) {
    if (here.size() != longer.size() || here.size() != later.size()) {
        return std::nullopt;
    }
    std::string text;
    for (std::size_t p = 0; p < here.size(); ++p) {
        if (here[p] == longer[p] && here[p] == later[p]) {
            text += here[p];
            continue;
        }
        const auto value = [&](const std::vector<std::string>& of) {
            const Parsed<std::int64_t> read = parse_count(of[p]);
            const auto* number = std::get_if<std::int64_t>(&read);
            return number != nullptr ? std::optional(*number) : std::nullopt;
        };
        const auto at_here = value(here);
        const auto at_longer = value(longer);
        const auto at_later = value(later);
        if (!at_here || !at_longer || !at_later) {
            return std::nullopt;
        }
        const auto sum = expression(*at_here, *at_longer - *at_here, *at_later - *at_here, step);
        if (!sum) {
            return std::nullopt;
        }
        text += *sum;
    }
    return text;
}

std::string with_parameters(std::string text, StepSize step) {
    const std::size_t inputs = text.find("\ninputs:") + 1;
    ensure(inputs > 0, "a file of a network has inputs");
    return text.insert(inputs, "parameters: {positions: " + std::to_string(step.positions) +
                                   ", context: " + std::to_string(step.context) + "}\n");
}

/// Whether a file says of a step what the network there is.
bool says(const std::string& file, const Network& there, StepSize step) {
    Diagnostics faults;
    const YamlValue tree = read_yaml_text(with_parameters(file, step), "the file", faults);
    if (!faults.empty()) {
        return false;
    }
    const Network read = load_network(tree, faults);
    return faults.empty() && network_text(read) == network_text(there);
}

}  // namespace

std::optional<std::string> text_of_steps(const std::function<Network(StepSize)>& at,
                                         StepSize size) {
    // Keys at their defaults are left out, as those of one position and of no context may be.
    const StepSize here = {size.positions + 1, size.context + 1};
    const auto pieces_at = [&](StepSize step) { return pieces(network_text(at(step))); };
    const auto text = merged(pieces_at(here), pieces_at({here.positions + 1, here.context}),
                             pieces_at({here.positions, here.context + 1}), here);
    if (!text) {
        return std::nullopt;
    }
    for (const StepSize step : {size, StepSize{1, 0}, StepSize{size.positions + 3, 5}}) {
        if (!says(*text, at(step), step)) {
            return std::nullopt;
        }
    }
    return with_parameters(*text, size);
}

}  // namespace memwall
