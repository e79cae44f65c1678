// SPDX-License-Identifier: Apache-2.0
#include "study/design_points.hpp"

namespace memwall {
namespace {

constexpr std::int64_t kMebibyte = 1024 * 1024;
constexpr std::int64_t kMostMebibytes = 1024 * 1024;

Override capacity_override(const std::string& path, Bytes capacity) {
    const bool whole = capacity.count() % kMebibyte == 0;
    return {path, whole ? std::to_string(capacity.count() / kMebibyte) + " MiB"
                        : std::to_string(capacity.count()) + " B"};
}

}  // namespace

DesignPoints::DesignPoints(const Experiment& experiment, const std::vector<Override>& overrides,
                           const Configs& configs, InputFiles& inputs)
    : configs_(configs) {
    std::vector<std::string> all_names;
    for (const DesignPoint& point : experiment.points) {
        all_names.push_back(point.name);
    }
    for (const DesignPoint& point : experiment.points) {
        const ConfigFile file = configs.find(ConfigKind::machine, point.machine);
        Point read{with_base_of(read_config(file, "machine", inputs), file.path.parent_path(),
                                configs, inputs),
                   file.path.parent_path(), point.set};
        const auto own = overrides_of_machine(overrides, {point.name}, all_names);
        read.overrides.insert(read.overrides.end(), own.begin(), own.end());
        if (point.same_area) {
            const Bytes capacity =
                capacity_for(read, *point.same_area, machines_.at(point.same_area->as).area());
            read.overrides.push_back(capacity_override(point.same_area->by, capacity));
        }
        machines_.emplace(point.name, machine_from(with_overrides(read.root, read.overrides), {},
                                                   read.folder, configs, inputs));
        points_.emplace(point.name, std::move(read));
    }
}

const Machine& DesignPoints::machine(const std::string& point) const {
    return machines_.at(point);
}

const std::vector<Override>& DesignPoints::overrides(const std::string& point) const {
    return points_.at(point).overrides;
}

Machine DesignPoints::make(const Point& point, const std::vector<Override>& overrides) const {
    InputFiles known;  // the files of a point are those of its first reading
    return machine_from(with_overrides(point.root, overrides), {}, point.folder, configs_, known);
}

Machine DesignPoints::with_capacity(const std::string& point, const std::string& path,
                                    Bytes capacity) const {
    const Point& base = points_.at(point);
    std::vector<Override> overrides = base.overrides;
    overrides.push_back(capacity_override(path, capacity));
    return make(base, overrides);
}

Bytes DesignPoints::capacity_for(const Point& point, const SameArea& same,
                                 SquareMillimetres area) const {
    const auto fits = [&](std::int64_t mebibytes) {
        std::vector<Override> overrides = point.overrides;
        overrides.push_back(capacity_override(same.by, Bytes(mebibytes * kMebibyte)));
        return make(point, overrides).area() <= area;
    };
    std::int64_t low = 1;
    if (!fits(low)) {
        throw InputError("same_area: with 1 MiB at '" + same.by + "' the machine is larger than '" +
                         same.as + "' already");
    }
    std::int64_t high = 2;
    while (high <= kMostMebibytes && fits(high)) {
        low = high;
        high *= 2;
    }
    if (high > kMostMebibytes) {
        throw InputError("same_area: '" + same.by + "' does not decide the area of the machine");
    }
    while (high - low > 1) {
        const std::int64_t middle = low + (high - low) / 2;
        (fits(middle) ? low : high) = middle;
    }
    return Bytes(low * kMebibyte);
}

}  // namespace memwall
