"""Strings to tokenise, made from a seed: what shoppers and shops write, and what they do not."""

import random

SEED = 20260131
PER_CLASS = 1255

WORDS = """running shoes trail jacket kettle steel coffee grinder espresso wireless headphones noise
cancelling phone case leather wallet women men kids winter summer dress cotton organic linen bedding pillow
memory foam mattress office chair ergonomic desk lamp led bulb solar garden hose pruning shears grill
charcoal camping tent sleeping bag backpack waterproof hiking boots mountain bike helmet gloves fitness
tracker yoga mat dumbbell protein powder vitamin serum moisturizer sunscreen lipstick perfume razor shaving
cream toothbrush electric baby stroller diaper toy puzzle board game console controller keyboard mechanical
mouse monitor laptop tablet charger cable adapter camera lens tripod drone battery pack guitar strings piano
violin microphone vinyl record novel cookbook dictionary notebook pen watercolor brush canvas frame vase
candle rug curtain sofa cushion dining table knife skillet wok rice cooker blender toaster vacuum robot mop
detergent dog leash cat litter aquarium filter the and for with of in to a best new sale cheap buy how what
is my best under near review vs free shipping today deals unbelievably misunderstanding internationalization
2026 1080p 4k 64gb usb-c wi-fi 3-in-1 size xl don't it's rock'n'roll e.g. u.s.a. 50% $19.99 #1 @home c++ &
""".split()

CHINESE = """跑步鞋男女运动户外登山帐篷睡袋保温杯电热水壶不锈钢咖啡机耳机蓝牙降噪手机壳皮夹连衣裙纯棉床上用品枕头乳胶
办公椅台灯儿童玩具拼图游戏键盘鼠标显示器笔记本电脑平板充电器相机镜头三脚架无人机吉他钢琴小说菜谱词典水彩花瓶窗帘沙发餐桌
刀具炒锅电饭煲吸尘器洗衣液狗粮猫砂鱼缸春夏秋冬新款包邮正品特价优惠券北京上海广州我想买一个便宜又好用的推荐"""
CHINESE = "".join(CHINESE.split())

SCRIPTS = [(0x00C0, 0x024F), (0x0250, 0x02AF), (0x0370, 0x03FF), (0x0400, 0x052F), (0x0531, 0x0587),
           (0x05D0, 0x05EA), (0x0621, 0x064A), (0x0660, 0x0669), (0x0700, 0x074A), (0x0904, 0x0970),
           (0x0985, 0x09FB), (0x0A05, 0x0A74), (0x0B05, 0x0BFA), (0x0E01, 0x0E5B), (0x0F00, 0x0FDA),
           (0x1000, 0x109F), (0x10A0, 0x10FF), (0x1100, 0x11FF), (0x13A0, 0x13FD), (0x1780, 0x17DD),
           (0x1C80, 0x1C8A), (0x1E00, 0x1FFE), (0x2100, 0x218B), (0x2C00, 0x2D2D), (0x3041, 0x30FF),
           (0x3105, 0x318E), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA4D0, 0xA63F), (0xA640, 0xA7DC),
           (0xAC00, 0xD7A3), (0xF900, 0xFAD9), (0xFB00, 0xFB4F), (0xFE50, 0xFFEE), (0x10400, 0x1044F),
           (0x104B0, 0x104FB), (0x10C80, 0x10CF2), (0x11100, 0x11150), (0x118A0, 0x118DF),
           (0x11900, 0x11946), (0x16E40, 0x16E9A), (0x1D400, 0x1D7FF), (0x1E900, 0x1E95F),
           (0x20000, 0x2A6DF), (0x2B740, 0x2EBE0), (0x2F800, 0x2FA1D), (0x30000, 0x323AF)]
EMOJI = [(0x1F300, 0x1F5FF), (0x1F600, 0x1F64F), (0x1F680, 0x1F6FF), (0x1F900, 0x1F9FF),
         (0x1FA70, 0x1FAFF), (0x2600, 0x27BF), (0x2190, 0x21FF), (0x2B00, 0x2BFF), (0x1F1E6, 0x1F1FF)]
MARKS = [(0x0300, 0x036F), (0x0483, 0x0489), (0x0591, 0x05BD), (0x064B, 0x0652), (0x08D3, 0x08FF),
         (0x093C, 0x094D), (0x0F71, 0x0F84), (0x1AB0, 0x1ACE), (0x1DC0, 0x1DFF), (0x20D0, 0x20F0),
         (0x302A, 0x302F), (0x3099, 0x309A), (0xFE00, 0xFE0F), (0xFE20, 0xFE2F), (0x1D165, 0x1D172),
         (0x1E000, 0x1E02A), (0x1E944, 0x1E94A), (0x16FF0, 0x16FF1)]
LATIN = [(0x00C0, 0x017F), (0x0180, 0x024F), (0x1E00, 0x1EFF), (0x1F00, 0x1FFE), (0x0386, 0x03CE),
         (0x0400, 0x045F)]
CONTROLS = [(0x00, 0x1F), (0x7F, 0xA0), (0xAD, 0xAD), (0x0600, 0x0605), (0x061C, 0x061C),
            (0x06DD, 0x06DD), (0x070F, 0x070F), (0x1680, 0x1680), (0x180E, 0x180E), (0x2000, 0x200F),
            (0x2028, 0x202F), (0x205F, 0x206F), (0x3000, 0x3000), (0xE000, 0xE0FF), (0xFDD0, 0xFDEF),
            (0xFEFF, 0xFEFF), (0xFFF0, 0xFFFF), (0x1D173, 0x1D17A), (0x13430, 0x1343F),
            (0xE0001, 0xE007F), (0xF0000, 0xF00FF), (0x10FFF0, 0x10FFFF), (0x378, 0x379)]
ASCII_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
WIDE_PUNCTUATION = "，。！？、；：“”‘’（）《》【】—…·￥～「」–•¿¡«»†‰€™"
SPECIAL = ["[MASK]", "[CLS]", "[SEP]", "[UNK]", "[PAD]", "[mask]", "[ CLS ]", "[MASK", "MASK]", "[[SEP]]",
           "[unused1]", "<brand>", "<BRAND>", "onsale", "OnSale", "[SKU]", "[sku]", "été", "ÉTÉ", "ete",
           "e\u0301te\u0301", "茶壶", "big", "biggest", " hot", "##ing"]


def code_point(rng, ranges):
    first, last = rng.choice(ranges)
    return chr(rng.randint(first, last))


def english_word(rng):
    word = rng.choice(WORDS)
    kind = rng.randrange(12)
    if kind == 0:
        word = word.upper()
    elif kind == 1:
        word = word.capitalize()
    elif kind == 2:
        word = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(1, 14)))
    elif kind == 3:
        word = str(rng.randrange(10 ** rng.randint(1, 7)))
    elif kind == 4:
        word += rng.choice(WORDS)
    elif kind == 5:
        word += rng.choice(["s", "ing", "ed", "er", "ness", "able"])
    elif kind == 6:
        word = rng.choice(ASCII_PUNCTUATION) * rng.randint(1, 3) + word
    elif kind == 7:
        word += rng.choice(ASCII_PUNCTUATION)
    return word


def english(rng):
    if rng.randrange(60) == 0:  # about the longest word that is still looked at
        return "ab" * 48 + "c" * rng.randint(0, 9)
    gap = rng.choice([" ", " ", " ", "  ", "\t", "\n"])
    return gap.join(english_word(rng) for _ in range(rng.randint(1, 7)))


def chinese(rng):
    out = []
    for _ in range(rng.randint(2, 24)):
        kind = rng.randrange(12)
        if kind < 8:
            out.append(rng.choice(CHINESE))
        elif kind == 8:
            out.append(chr(rng.randint(0x4E00, 0x9FFF)))
        elif kind == 9:
            out.append(rng.choice(WIDE_PUNCTUATION))
        elif kind == 10:
            out.append(str(rng.randrange(1000)))
        else:
            out.append(rng.choice(["A4", "iPhone", "USB", " ", "Pro"]))
    return "".join(out)


def mixed(rng):
    out = []
    for _ in range(rng.randint(1, 6)):
        script = [rng.choice(SCRIPTS)]
        out.append("".join(code_point(rng, script) for _ in range(rng.randint(1, 5))))
        out.append(rng.choice(["", " ", " ", english_word(rng), chinese(rng)[:3]]))
    return "".join(out)


def emoji(rng):
    out = []
    for _ in range(rng.randint(1, 5)):
        out.append(code_point(rng, EMOJI))
        out.append(rng.choice(["", "", "\ufe0f", "\u200d" + code_point(rng, EMOJI),
                               chr(rng.randint(0x1F3FB, 0x1F3FF)), "\u20e3"]))
        out.append(rng.choice(["", " ", english_word(rng), chinese(rng)[:2]]))
    return "".join(out)


def accents(rng):
    out = []
    for _ in range(rng.randint(1, 5)):
        for c in rng.choice(WORDS):
            kind = rng.randrange(6)
            if kind == 0:
                c = code_point(rng, LATIN)
            elif kind == 1:
                c += "".join(code_point(rng, MARKS) for _ in range(rng.randint(1, 4)))
            elif kind == 2:
                c = rng.choice("àáâäãåçèéêëìíîïñòóôöõøùúûüýÿÀÉÎÕÜŠŽßæœđłİıſẞΣςΌ")
            out.append(c)
        out.append(" ")
    return "".join(out)


def controls(rng):
    out = []
    for c in " ".join(english_word(rng) for _ in range(rng.randint(1, 3))):
        if rng.randrange(4) == 0:
            c += code_point(rng, CONTROLS)
        if rng.randrange(12) == 0:
            c += rng.choice(CHINESE) + code_point(rng, MARKS)
        out.append(c)
    return "".join(out)


def special(rng):
    out = []
    for _ in range(rng.randint(1, 5)):
        out.append(rng.choice(SPECIAL))
        out.append(rng.choice(["", "", " ", "  ", "\u3000", ".", english_word(rng), chinese(rng)[:2]]))
    return "".join(out)


def damage(rng, data):
    """Cuts, flips and inserts bytes: truncated, overlong and surrogate forms among them."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(5)
        if kind == 0:
            data[at:at + 1] = b""
        elif kind == 1:
            data[at:at] = bytes([rng.randint(0x80, 0xFF)])
        elif kind == 2:
            data[at:at] = rng.choice([b"\xc0\xaf", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xed\xbf\xbf",
                                      b"\xf0\x80\x80\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80",
                                      b"\xe4\xb8", b"\xf0\x9f\x98", b"\xff\xfe", b"\xc3"])
        elif kind == 3 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        else:
            data = data[:max(1, at)]
    return bytes(data)


def invalid(rng):
    while True:
        data = damage(rng, rng.choice([mixed, chinese, accents, emoji, english])(rng).encode())
        try:
            data.decode()
        except UnicodeDecodeError:
            return data


CLASSES = [english, chinese, mixed, emoji, accents, controls, special, invalid]


def all_strings():
    """(class, bytes), PER_CLASS distinct ones of each class."""
    seen = set()
    for make in CLASSES:
        rng = random.Random(f"{SEED}/{make.__name__}")
        n = 0
        while n < PER_CLASS:
            text = make(rng)
            data = text if isinstance(text, bytes) else text.encode("utf-8")
            if data in seen:
                continue
            seen.add(data)
            n += 1
            yield make.__name__, data


def escape(data, everything):
    """One line of printable text: backslash and control bytes, and all that is not ASCII on request."""
    return b"".join(b"\\x%02x" % b if b < 0x20 or b in (0x5C, 0x7F) or (everything and b > 0x7F)
                    else bytes([b]) for b in data)
