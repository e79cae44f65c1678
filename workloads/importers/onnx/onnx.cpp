// SPDX-License-Identifier: Apache-2.0
// ONNX models: which axis is the batch, and the network that follows.
#include <algorithm>
#include <array>
#include <iterator>

#include "workloads/importers/formats.hpp"
#include "workloads/importers/onnx/walker.hpp"
#include "workloads/importers/text_lines.hpp"

namespace memwall::importers {
namespace {

using namespace onnx;

/// A number of items that no size of the model's inputs and weights is a multiple of.
std::int64_t many_items(const Model& model) {
    constexpr std::array<std::int64_t, 8> kPrimes = {1009, 1013, 1019, 1021,
                                                     1031, 1033, 1039, 1049};
    const auto is_sound = [&](std::int64_t items) {
        const auto of_weights = [&](const auto& named) {
            const auto& dims = named.second.dims;
            return std::all_of(dims.begin(), dims.end(),
                               [&](std::int64_t dim) { return dim == 0 || dim % items != 0; });
        };
        const auto of_input = [&](const Stated& input) {
            return !input.shape ||
                   std::all_of(input.shape->begin(), input.shape->end(), [&](const Size& size) {
                       return is_open(size) || *size.value % items != 0;
                   });
        };
        return std::all_of(model.initialisers.begin(), model.initialisers.end(), of_weights) &&
               std::all_of(model.inputs.begin(), model.inputs.end(), of_input);
    };
    const auto* const found = std::find_if(kPrimes.begin(), kPrimes.end(), is_sound);
    return found == kPrimes.end() ? kPrimes.front() : *found;
}

/// Nodes by their first results.
using Nodes = std::set<std::string>;

/// What comes of a model whose batch is open, read with many items.
struct Trial {
    Nodes across;    ///< those that work across the items
    Nodes left_out;  ///< those and all others that cannot be read
    Nodes states;    ///< those that have the batch that was asked for as a number
    bool sound = false;
};

/// To read a model with this batch, whatever was asked for.
ImportOptions with_items(const ImportOptions& options, const Model& model, std::int64_t items) {
    ImportOptions with = options;
    with.batch = items;
    for (const std::string& key : InputSizes(model, options).open_batches()) {
        if (const auto given = with.dims.find(key); given != with.dims.end()) {
            given->second = items;
        }
    }
    return with;
}

/// Of one item, or of as many as were asked for, what works across the items may be nothing at all
/// or look like something else; of many it is what cannot be expressed.
/// `asked` is a batch whose number the model may have written into shapes; 0 where it has not.
Trial try_many_items(const ImportFile& file, const ImportOptions& options, const Model& model,
                     std::int64_t asked = 0) {
    ImportOptions many = with_items(options, model, many_items(model));
    many.skip_unsupported = true;
    Diagnostics faults;
    Walker walker(file, many, model, faults);
    walker.explore(asked);
    return {walker.across_items(), walker.left_out(), walker.states_batch(), faults.empty()};
}

/// A model whose open batch was given a size, read as one whose batch was not: nothing where that
/// size decides what can be read, with the first result of a node that it does so for.
std::pair<std::optional<Imported>, std::string> read_without_size(const ImportFile& file,
                                                                  const ImportOptions& options,
                                                                  const Model& model,
                                                                  const Trial& trial) {
    const ImportOptions one = with_items(options, model, 1);
    Diagnostics faults;
    Walker walker(file, one, model, faults);
    walker.leave_out_across(trial.across);
    walker.note_shared(InputSizes(model, options).shared_inputs());
    Imported read = walker.read();
    Nodes differ;
    std::set_symmetric_difference(walker.left_out().begin(), walker.left_out().end(),
                                  trial.left_out.begin(), trial.left_out.end(),
                                  std::inserter(differ, differ.end()));
    if (trial.sound && faults.empty() && differ.empty()) {
        return {std::move(read), ""};
    }
    return {std::nullopt, differ.empty() ? "" : *differ.begin()};
}

/// The model with the batch that it states left open.
Model opened(Model model, const InputSizes& sizes) {
    for (Stated& input : model.inputs) {
        const std::size_t axis = sizes.batch_axis(input.name);
        if (input.shape && axis < input.shape->size() &&
            (*input.shape)[axis].value == sizes.batch()) {
            (*input.shape)[axis] = {};
        }
    }
    return model;
}

/// As try_many_items, of a model that states its batch.
Trial try_stated(const ImportFile& file, const ImportOptions& options, const Model& model) {
    const InputSizes sizes(model, options);
    return sizes.batch() > 1 ? try_many_items(file, options, opened(model, sizes), sizes.batch())
                             : Trial();
}

/// A model whose first axis, taken for a batch, is that of the steps of one sequence: what is read
/// so, where nothing can be read with the batch and everything without.
std::optional<Imported> read_as_steps(const ImportFile& file, const ImportOptions& options,
                                      const Model& model) {
    const Stated* steps = InputSizes(model, options).may_be_steps();
    if (steps == nullptr) {
        return std::nullopt;
    }
    const auto whole = [&](const ImportOptions& with,
                           const Nodes& across) -> std::optional<Imported> {
        Diagnostics faults;
        Walker walker(file, with, model, faults);
        walker.leave_out_across(across);
        Imported read = walker.read();
        return faults.empty() && !walker.leaves_out() ? std::optional(std::move(read))
                                                      : std::nullopt;
    };
    if (auto batch = whole(options, try_stated(file, options, model).across)) {
        return batch;
    }
    ImportOptions alone = options;
    alone.batch = 1;
    auto read = whole(alone, {});
    if (read) {
        read->notes.push_back("the first axis of input '" + steps->name +
                              "' has the steps of one item: nodes work across it");
    }
    return read;
}

}  // namespace

bool recognises_onnx(const ImportFile& file) {
    return file.extension() == ".onnx" ||
           (file.content.size() > 2 && file.content[0] == 8 && is_binary(file.content));
}

Imported read_onnx(const ImportFile& file, const ImportOptions& options, Diagnostics& faults) {
    auto model = parse_model(file, options.skip_unsupported, faults);
    if (!model) {
        return {};
    }
    if (auto read = read_as_steps(file, options, *model)) {
        return std::move(*read);
    }
    Trial trial;
    std::string decides;
    Nodes shared;
    if (options.batch != 1 && !InputSizes(*model, options).open_batches().empty()) {
        trial = try_many_items(file, options, *model);
        if (options.batch > 1) {
            auto [read, node] = read_without_size(file, options, *model, trial);
            if (read) {
                return std::move(*read);
            }
            trial = try_many_items(file, options, *model, options.batch);
            decides = trial.states.empty() ? node : *trial.states.begin();
        } else {
            shared = InputSizes(*model, options).shared_inputs();
        }
    }
    if (trial.across.empty()) {
        trial.across = try_stated(file, options, *model).across;
    }
    Walker walker(file, options, std::move(*model), faults);
    walker.leave_out_across(std::move(trial.across));
    walker.note_states_batch(std::move(trial.states));
    walker.note_shared(std::move(shared));
    walker.note_decides(std::move(decides));
    return walker.read();
}

}  // namespace memwall::importers
