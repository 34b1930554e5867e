"""What python3.pages is a sample of: makes records, writes them as JSON, reads them back, counts letters."""
import json
import random

random.seed(1)
records = [
    {"id": i, "name": "n%d" % i, "values": [random.random() for _ in range(5)], "more": {"a": i % 7, "b": str(i * 3)}}
    for i in range(1500)
]
text = json.dumps(records)
letters = {}
for record in json.loads(text):
    for letter in record["name"] + record["more"]["b"]:
        letters[letter] = letters.get(letter, 0) + 1
print(len(text), sorted(letters.items())[:3])
