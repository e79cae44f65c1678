// SPDX-License-Identifier: Apache-2.0
// Sizes that a model leaves open: the batch, and dimensions that are named or not even that.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "workloads/importers/importer.hpp"
#include "workloads/importers/onnx/model.hpp"

namespace memwall::importers::onnx {

class InputSizes {
public:
    /// Both are kept by reference.
    InputSizes(const Model& model, const ImportOptions& options);

    /// The items that lie beside each other: what was asked for, what all images state, or 1.
    [[nodiscard]] std::int64_t batch() const { return batch_; }
    /// The batch that the model states where none was asked for; 1 where it states none.
    [[nodiscard]] bool states_batch() const { return options_.batch <= 0 && batch_ > 1; }

    /// The keys of --set-dim for axes without a size that have the batch, but for those that were
    /// given another size than it.
    [[nodiscard]] std::set<std::string> open_batches() const;

    /// The inputs without a batch beside those whose batch is open: they are one for all items.
    [[nodiscard]] std::set<std::string> shared_inputs() const;

    /// The input [n, 1, features] whose n is taken for the batch and may as well be the steps of
    /// one sequence; nullptr where the batch was asked for, or follows from another shape.
    [[nodiscard]] const Stated* may_be_steps() const { return may_be_steps_; }

    /// The axis of an input that has the batch: 1 where it is a sequence, its steps in front.
    [[nodiscard]] std::size_t batch_axis(const std::string& input) const {
        return steps_first_.contains(input) ? 1 : 0;
    }

    /// Every axis without a size is one fault, a name that several inputs have told once; nothing
    /// comes of that input then.
    std::optional<std::vector<std::int64_t>> of_input(const Stated& input, const SourceMark& where,
                                                      Diagnostics& faults);
    /// Of a value on the way; nothing where a size is open.
    [[nodiscard]] std::optional<std::vector<std::int64_t>> of_value(const Stated& value) const;
    /// Sizes that were given and that no axis of an input leaves open are faults.
    void check_given(const SourceMark& where, Diagnostics& faults) const;

    /// What a batch that was asked for, or a size given to one, makes of the model that need not be
    /// meant: items joined to one. "" where there is nothing of the kind.
    [[nodiscard]] std::string note_on_batch() const;

private:
    /// How an axis is called in --set-dim: "height", or "INPUT.2" where it has no name.
    static std::string key_of(const Stated& input, std::size_t axis);
    [[nodiscard]] std::optional<std::int64_t> size_of(const Stated& value, std::size_t axis,
                                                      std::size_t batch_axis) const;

    const Model& model_;
    const ImportOptions& options_;
    std::set<std::string> steps_first_;  ///< inputs [steps, batch, ...]
    std::int64_t batch_ = 1;
    const Stated* may_be_steps_ = nullptr;
    std::set<std::string> told_;
};

}  // namespace memwall::importers::onnx
