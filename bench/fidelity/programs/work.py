# Dictionaries, strings, lists of many sizes, sorting and compiling.
import ast

words = {}
for i in range(8000):
    words["word %d" % (i * 7919 % 10007)] = [i, str(i) * (i % 13)]
order = sorted(words, key=lambda word: (len(word), word[::-1]))
blocks = [bytes(i % 3000) for i in range(4000)]
del blocks[::2]
big = bytearray(3 << 20)
big[::4096] = bytes(len(big) // 4096)
source = "\n".join("def f%d(x):\n    return [x + %d for y in range(%d)]" % (i, i, i) for i in range(100))
space = {}
exec(compile(ast.parse(source), "generated", "exec"), space)
print(len(order), sum(map(len, blocks)), sum(space["f%d" % i](1)[0] for i in range(1, 100)))
