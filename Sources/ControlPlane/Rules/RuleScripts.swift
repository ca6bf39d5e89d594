// SPDX-License-Identifier: Apache-2.0

import Kinds
import ObjectModel

/// A background command in one place: the name under which it is known there.
///
/// Its files are in a directory of its own below /tmp of the container:
///
/// ```
/// wait          what ${WAIT_CMD} stands for: tells that it was reached, and waits
/// open/reached  there as soon as it was; any user of the container may make it
/// go            there as soon as it is let go
/// pid           the number of the shell above the command
/// ```
struct BackgroundTask: Hashable, Sendable {
    let name: String
    let place: CommandPlace

    /// How long it waits at most, in tenths of a second: 900 s, as in Stork.
    ///
    /// A controller that died and never came back must not hold an application for ever.
    private static let longestHold = 9000
    /// How long somebody looks for the mark, in tenths of a second.
    private static let longestReach = 3000

    private var directory: String { "/tmp/godwit-\(self.name)" }

    /// A part of a second where `sleep` knows such, else a whole one.
    private static let tick = "n=$((n+1)); sleep 0.1 2>/dev/null || { sleep 1; n=$((n+9)); }"

    /// Starts the command, and takes its files away after it.
    func start(_ command: String) -> [String] {
        let script = """
            d=\(self.directory); u=$(umask); umask 022
            mkdir "$d" && mkdir -m 1777 "$d/open" && printf '%s\\n' "$2" > "$d/wait" \
            && chmod 755 "$d/wait" && echo $$ > "$d/pid" || exit 125
            umask "$u"; sh -c "$1"; s=$?; rm -rf "$d"; exit $s
            """
        let waiter = """
            #!/bin/sh
            d=\(self.directory); n=0
            : > "$d/open/reached" || exit 1
            while [ -d "$d" ] && [ ! -e "$d/go" ] && [ $n -lt \(Self.longestHold) ]; do
            \(Self.tick); done
            [ -e "$d/go" ]
            """
        return [
            "sh", "-c", script, "sh",
            command.replacing(Rule.waitMark, with: "\(self.directory)/wait"), waiter,
        ]
    }

    /// Ends with zero as soon as the command has come to where it waits.
    var watch: [String] {
        [
            "sh", "-c",
            """
            d=\(self.directory); n=0; s=
            while [ ! -e "$d/open/reached" ]; do
            if [ -d "$d" ]; then s=1; elif [ -n "$s" ]; then exit 1; fi
            [ $n -lt \(Self.longestReach) ] || exit 1
            \(Self.tick); done
            """,
        ]
    }

    /// Lets the command go on from where it waits.
    var release: [String] { ["sh", "-c", "d=\(self.directory); [ ! -d \"$d\" ] || : > \"$d/go\""] }

    /// Ends what is left of the command; nothing is left where it has ended before.
    ///
    /// The number may be another's by now: the name in its arguments tells.
    /// (No `--` before the group's number: dash takes it for a number.)
    var kill: [String] {
        [
            "sh", "-c",
            """
            d=\(self.directory); [ -d "$d" ] || exit 0
            p=$(cat "$d/pid" 2>/dev/null); n=0
            ours() { [ -n "$p" ] && grep -q "$d" "/proc/$p/cmdline" 2>/dev/null; }
            if ours; then kill -TERM "-$p" 2>/dev/null || kill -TERM "$p" 2>/dev/null; fi
            while ours && [ $n -lt 20 ]; do \(Self.tick); done
            if ours; then kill -KILL "-$p" 2>/dev/null || kill -KILL "$p" 2>/dev/null; fi
            rm -rf "$d"
            """,
        ]
    }
}

extension [BackgroundTask] {
    /// The tasks of a run.
    ///
    /// - Parameters:
    ///   - run: the name of the run, which no other one ever has.
    ///   - places: in the order of the plan.
    init(run: String, _ places: [CommandPlace]) {
        // It stands in scripts.
        let safe = run.lowercased()
            .filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
        self = places.enumerated()
            .map {
                BackgroundTask(name: "\(safe)-\($0.offset)", place: $0.element)
            }
    }

    /// What the annotation of a Migration says; none where it cannot be read.
    init(annotation: String) {
        guard let json = try? JSON(parsing: annotation), let run = json["taskID"]?.string else {
            self = []
            return
        }
        let places = (json["pods"]?.array ?? [])
            .map { pod in
                CommandPlace(
                    namespace: pod["namespace"]?.string ?? "",
                    pod: pod["name"]?.string ?? "",
                    container: pod["container"]?.string ?? ""
                )
            }
        self.init(run: run, places)
    }

    /// What runs where, so that another process can end it.
    static func annotation(run: String, _ places: [CommandPlace]) -> String {
        let pods = places.map { place -> JSON in
            [
                "namespace": .string(place.namespace), "name": .string(place.pod),
                "container": .string(place.container),
            ]
        }
        return JSON.object(["taskID": .string(run), "pods": .array(pods)]).compact
    }
}

extension KubeObject {
    /// The background commands that somebody has begun for a Migration and has not ended.
    var backgroundTasks: [BackgroundTask] {
        StorkNames.Annotation.podsWithRunningCommands.value(in: self.annotations)
            .map([BackgroundTask].init(annotation:)) ?? []
    }

    /// Whether background commands are noted, readable or not.
    var hasBackgroundTasks: Bool {
        StorkNames.Annotation.podsWithRunningCommands.value(in: self.annotations) != nil
    }
}
