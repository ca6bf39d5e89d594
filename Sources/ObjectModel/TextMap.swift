// SPDX-License-Identifier: Apache-2.0

/// A dictionary whose keys are told apart by their bytes.
///
/// `String` calls texts equal that Unicode calls equivalent: `é` in one character and in two. A cluster
/// compares bytes, and an object may have fields with both as keys; none of them may be lost.
public struct TextMap<Value> {
    private var entries: [ByteText: Value]

    private init(entries: [ByteText: Value]) { self.entries = entries }

    /// An empty one.
    public init() { self.entries = [:] }

    /// The entries of a dictionary.
    public init(_ dictionary: [String: Value]) {
        self.entries = Dictionary(
            uniqueKeysWithValues: dictionary.map { (ByteText(text: $0.key), $0.value) }
        )
    }

    /// The entries of a sequence; `combine` says what becomes of two of one key.
    public init(
        _ elements: some Sequence<(String, Value)>,
        uniquingKeysWith combine: (Value, Value) -> Value
    ) {
        self.entries = [:]
        for (key, value) in elements {
            let key = ByteText(text: key)
            self.entries[key] = self.entries[key].map { combine($0, value) } ?? value
        }
    }

    /// The value of a key; nil where there is none, and to remove it.
    public subscript(key: String) -> Value? {
        get { self.entries[ByteText(text: key)] }
        set { self.entries[ByteText(text: key)] = newValue }
    }

    /// In no order.
    public var keys: some Collection<String> { self.entries.keys.lazy.map(\.text) }

    /// In no order, which is that of ``keys``.
    public var values: some Collection<Value> { self.entries.values }

    /// In the order of the keys' bytes, which is the same for the same content.
    public var sortedByKey: [Element] { self.sorted { $0.key.precedes($1.key) } }

    /// As a dictionary; of keys that Unicode calls equivalent only one is there.
    public var dictionary: [String: Value] {
        Dictionary(self.sortedByKey.map { ($0.key, $0.value) }) { _, last in last }
    }

    /// Sets a value.
    ///
    /// - Returns: the former one.
    @discardableResult
    public mutating func updateValue(_ value: Value, forKey key: String) -> Value? {
        self.entries.updateValue(value, forKey: ByteText(text: key))
    }

    /// Removes a value.
    ///
    /// - Returns: the removed one.
    @discardableResult
    public mutating func removeValue(forKey key: String) -> Value? {
        self.entries.removeValue(forKey: ByteText(text: key))
    }

    /// The entries that are as `isKept` says.
    public func filter(_ isKept: (Element) throws -> Bool) rethrows -> Self {
        Self(entries: try self.entries.filter { try isKept(($0.key.text, $0.value)) })
    }

    /// The same keys with other values.
    public func mapValues<Other>(_ change: (Value) throws -> Other) rethrows -> TextMap<Other> {
        TextMap<Other>(entries: try self.entries.mapValues(change))
    }

    /// The same keys with other values, but for those whose value becomes nil.
    public func compactMapValues<Other>(
        _ change: (Value) throws -> Other?
    ) rethrows -> TextMap<Other> {
        TextMap<Other>(entries: try self.entries.compactMapValues(change))
    }

    /// With the entries of another; `combine` says what becomes of two of one key.
    public func merging(_ other: Self, _ combine: (Value, Value) -> Value) -> Self {
        Self(entries: self.entries.merging(other.entries, uniquingKeysWith: combine))
    }

    /// Takes in the entries of another, as ``merging(_:_:)`` does.
    public mutating func merge(_ other: Self, _ combine: (Value, Value) -> Value) {
        self.entries.merge(other.entries, uniquingKeysWith: combine)
    }
}

/// A text that equals only a text of the same bytes.
private struct ByteText: Hashable, Sendable {
    let text: String

    static func == (first: Self, second: Self) -> Bool { first.text.hasBytes(of: second.text) }

    // As that of the text: what has the same bytes is equivalent, too.
    func hash(into hasher: inout Hasher) { hasher.combine(self.text) }
}

extension TextMap: Sendable where Value: Sendable {}
extension TextMap: Equatable where Value: Equatable {}
extension TextMap: Hashable where Value: Hashable {}

extension TextMap: ExpressibleByDictionaryLiteral {
    /// The last of several equal keys counts.
    public init(dictionaryLiteral elements: (String, Value)...) {
        self.init(elements) { _, last in last }
    }
}

extension TextMap: Collection {
    /// A key and its value.
    public typealias Element = (key: String, value: Value)

    /// A place, until the next change.
    public struct Index: Comparable {
        fileprivate let index: Dictionary<ByteText, Value>.Index

        /// Whether one place is before another.
        public static func < (first: Self, second: Self) -> Bool { first.index < second.index }
    }

    /// Goes through the entries, in no order.
    public struct Iterator: IteratorProtocol {
        fileprivate var entries: Dictionary<ByteText, Value>.Iterator

        /// The next entry; nil at the end.
        public mutating func next() -> Element? {
            self.entries.next().map { ($0.key.text, $0.value) }
        }
    }

    /// Goes through the entries, in no order.
    public func makeIterator() -> Iterator { Iterator(entries: self.entries.makeIterator()) }

    /// How many entries there are.
    ///
    /// - Complexity: O(1).
    public var count: Int { self.entries.count }
    /// Whether there is no entry.
    public var isEmpty: Bool { self.entries.isEmpty }
    /// The place of the first entry.
    public var startIndex: Index { Index(index: self.entries.startIndex) }
    /// The place behind the last entry.
    public var endIndex: Index { Index(index: self.entries.endIndex) }
    /// The place behind another.
    public func index(after place: Index) -> Index {
        Index(index: self.entries.index(after: place.index))
    }
    /// The entry at a place.
    public subscript(place: Index) -> Element {
        let entry = self.entries[place.index]
        return (entry.key.text, entry.value)
    }
}

extension String {
    /// Whether two texts have the same bytes.
    ///
    /// Equivalence is the cheaper question, and for plain ASCII of one length the whole one.
    func hasBytes(of other: String) -> Bool {
        guard self == other, self.utf8.count == other.utf8.count else { return false }
        return self.utf8Span.isKnownASCII || self.utf8.elementsEqual(other.utf8)
    }

    /// Whether the bytes of the text come before those of another.
    func precedes(_ other: String) -> Bool {
        guard self.utf8Span.isKnownASCII, other.utf8Span.isKnownASCII else {
            return self.utf8.lexicographicallyPrecedes(other.utf8)
        }
        return self < other
    }
}
