// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/axis.hpp"

#include <algorithm>

#include "base/yaml_writer.hpp"

namespace memwall {
namespace {

constexpr std::int64_t kMostPoints = 10'000'000;

}  // namespace

std::string Setting::text() const {
    return value.is_scalar() ? value.text() : yaml_flow(value);
}

std::string values_text(const Settings& settings) {
    std::string text;
    for (const Setting& setting : settings) {
        text += (text.empty() ? "" : ", ") + setting.path + " = " + setting.text();
    }
    return text;
}

std::int64_t Choices::size() const {
    return list.empty() ? range.steps() : static_cast<std::int64_t>(list.size());
}

Setting Choices::at(std::int64_t entry) const {
    if (!list.empty()) {
        return {path, list.at(static_cast<std::size_t>(entry)), where};
    }
    return {path, YamlValue::make_scalar(range.step(entry), range_mark), where};
}

Setting Choices::drawn(double position) const {
    if (size() > 0) {
        const auto entry = static_cast<std::int64_t>(position * static_cast<double>(size()));
        return at(std::min(entry, size() - 1));
    }
    return {path, YamlValue::make_scalar(range.drawn(position), range_mark), where};
}

void ChoiceAxis::add(std::int64_t entry, Settings& settings) const {
    settings.push_back(choices_.at(entry));
}

std::vector<std::string> ZippedAxis::paths() const {
    std::vector<std::string> paths;
    for (const Choices& choices : choices_) {
        paths.push_back(choices.path);
    }
    return paths;
}

void ZippedAxis::add(std::int64_t entry, Settings& settings) const {
    for (const Choices& choices : choices_) {
        settings.push_back(choices.at(entry));
    }
}

std::vector<std::string> ListedAxis::paths() const {
    std::vector<std::string> paths;
    for (const Setting& setting : entries_.front()) {
        paths.push_back(setting.path);
    }
    return paths;
}

void ListedAxis::add(std::int64_t entry, Settings& settings) const {
    const Settings& own = entries_.at(static_cast<std::size_t>(entry));
    settings.insert(settings.end(), own.begin(), own.end());
}

std::int64_t PointSpace::size() const {
    std::int64_t size = 1;
    for (const auto& axis : axes_) {
        size *= axis->size();
        if (size > kMostPoints) {
            throw InputError("the sweep has more than " + std::to_string(kMostPoints) +
                             " points; expected fewer values, or 'samples' of the space");
        }
    }
    return size;
}

std::vector<std::string> PointSpace::paths() const {
    std::vector<std::string> paths;
    for (const auto& axis : axes_) {
        const std::vector<std::string> own = axis->paths();
        paths.insert(paths.end(), own.begin(), own.end());
    }
    return paths;
}

Settings PointSpace::at(std::int64_t point) const {
    std::vector<std::int64_t> entries(axes_.size());
    for (std::size_t a = axes_.size(); a-- > 0;) {
        entries[a] = point % axes_[a]->size();
        point /= axes_[a]->size();
    }
    Settings settings;
    for (std::size_t a = 0; a < axes_.size(); ++a) {
        axes_[a]->add(entries[a], settings);
    }
    return settings;
}

std::vector<std::int64_t> PointSpace::sizes() const {
    std::vector<std::int64_t> sizes;
    for (const auto& axis : axes_) {
        sizes.push_back(axis->size());
    }
    return sizes;
}

std::int64_t PointSpace::point(const std::vector<std::int64_t>& entries) const {
    std::int64_t point = 0;
    for (std::size_t a = 0; a < axes_.size(); ++a) {
        point = point * axes_[a]->size() + entries.at(a);
    }
    return point;
}

}  // namespace memwall
