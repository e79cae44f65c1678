// SPDX-License-Identifier: Apache-2.0
// Which of the two operands that a loop nest reads are its weights, if any.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "workloads/importers/affine_layer.hpp"

namespace memwall::importers {

/// An operand that a nest reads, as a file states it.
struct ReadOperand {
    std::string name;
    std::vector<AffineAxis> axes;
    bool made = false;  ///< another layer makes it, so it holds no weights
};

struct OperandRoles {
    std::size_t inputs = 0;        ///< which of both is read as inputs; the other is `second`
    bool two_activations = false;  ///< the second are no weights
    bool guessed = false;          ///< nothing but the order of the result's axes says so

    [[nodiscard]] std::size_t second() const { return 1 - inputs; }
};

/// Windows slide over inputs. What another layer makes, or has a value for each item of a batch, is
/// an activation; two operands that share a loop with the result, neither named as weights, are
/// both. Then names count; at last the operand whose loops come first in the result has the
/// positions.
OperandRoles find_roles(const std::array<ReadOperand, 2>& read,
                        const std::vector<AffineAxis>& outputs,
                        const std::map<std::string, std::int64_t>& sizes);

/// The note on roles that no name says; "" where there is none to make.
std::string note_on_roles(const std::array<ReadOperand, 2>& read, const OperandRoles& roles);

}  // namespace memwall::importers
