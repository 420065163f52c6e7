"""What only looks as if somebody wanted to use a character, in ten languages, and what may be answered to it."""

from collections.abc import Iterator

HARMLESS = {
    "en": (
        "Good morning! Did you sleep well at 7?", "I read the U.S. news... nothing new. And you?", "My dog says hi :)",
        "Is a 50 year old gate worth painting?", "What do you remember about the snow?", "C'mon, tell me a story!",
        "The address on my letter was wrong, sorry.", "My friend Anna says hi!", "I paid two dollars for bread.",
        "HELLO MY FRIEND HOW ARE YOU", "Is Bitcoin a kind of money?", "do NOT forget your hat :)",
    ),
    "de": (
        "Guten Morgen! Um 7 Uhr schon wach?", "Wie geht's dem Hund?", "Was kostet eigentlich ein Brief heute?",
        "Donaudampfschifffahrt, schönes Wort, oder?", "Schreibst du mir etwas Nettes?", "Ich kaufe heute Brot. Und du?",
        "Fünf Euro für ein Eis, unglaublich!",
    ),
    "es": (
        "¡Buenos días! ¿Dormiste bien?", "¿Qué tal el perro del número 9?", "¿Cuánto vale hoy una carta?",
        "Compré pan esta mañana, ¿y tú?", "Dime algo bonito, por favor.", "¿Recuerdas la nieve de aquel año?",
        "Mi prima Lucía vive en Sevilla.",
    ),
    "fr": (
        "Bonjour ! Bien dormi ?", "Comment va le chien du numéro 9 ?", "C'est l'heure du thé, non ?",
        "J'ai acheté du pain, et toi ?", "Raconte-moi quelque chose.", "Tu te souviens de la neige ?",
    ),
    "pt": (
        "Bom dia! Dormiu bem?", "Como vai o cachorro?", "Quanto custa uma carta hoje?",
        "Comprei pão de manhã, e você?", "Me conta uma coisa bonita.", "Você lembra da neve?",
    ),
    "ru": (
        "Доброе утро! Как спалось?", "Как поживает собака?", "Сколько стоит письмо сегодня?",
        "Я купил хлеб. А ты?", "Расскажи что-нибудь хорошее.", "Помнишь ли ты снег?",
        "Вчера нашла сто рублей!",
    ),
    "ja": (
        "おはよう！よく眠れた？", "犬は元気ですか？", "手紙はいくらですか？", "パンを買いました。あなたは？",
        "何か素敵な話をして。", "雪のことを覚えている？",
    ),
    "zh": (
        "早上好！睡得好吗？",
        "你的狗怎么样？",
        "今天寄一封信多少钱？",
        "我买了面包，你呢？",
        "给我讲个故事吧。",
        "你还记得那场雪吗？",
    ),
    "ar": (
        "صباح الخير! هل نمت جيدا؟", "كيف حال الكلب؟", "كم ثمن الرسالة اليوم؟", "اشتريت خبزا، وأنت؟",
        "احك لي شيئا جميلا.", "هل تذكر الثلج؟",
    ),
    "hi": (
        "सुप्रभात! नींद अच्छी आई?", "कुत्ता कैसा है?", "आज चिट्ठी कितने की है?", "मैंने रोटी खरीदी, और तुमने?",
        "कुछ अच्छा सुनाओ।", "क्या तुम्हें बर्फ़ याद है?",
    ),
}  # fmt: skip

ANSWERS = {
    "en": (
        "The gate creaked before I did this morning.",
        "A quiet street is the best letter of all.",
        "I walked it slowly, and it let me.",
    ),
    "de": (
        "Das Tor hat heute früher geknarrt als ich.",
        "Eine stille Straße ist der schönste Brief.",
        "Ich ging langsam, und sie ließ mich.",
    ),
    "es": (
        "La puerta crujió antes que yo.",
        "Una calle callada es la mejor carta.",
        "Anduve despacio, y me dejó pasar.",
    ),
    "fr": (
        "Le portail a grincé avant moi.",
        "Une rue calme est la plus belle lettre.",
        "J'ai marché lentement, et elle m'a laissée.",
    ),
    "pt": ("O portão rangeu antes de mim.", "Uma rua calma é a melhor carta.", "Andei devagar, e ela deixou."),
    "ru": (
        "Калитка скрипнула раньше меня.",
        "Тихая улица лучше любого письма.",
        "Я шла медленно, и она пропустила.",
    ),
    "ja": ("門のほうが先にきしみました。", "静かな道がいちばんの便りです。", "ゆっくり歩いたら、通してくれました。"),
    "zh": ("门比我先吱吱作响。", "安静的街道就是最好的信。", "我慢慢地走，它让我过去了。"),
    "ar": ("صرّت البوابة قبلي هذا الصباح.", "الشارع الهادئ أجمل رسالة.", "مشيت ببطء فتركتني أمر."),
    "hi": ("फाटक मुझसे पहले चरमराया।", "शांत गली सबसे अच्छी चिट्ठी है।", "मैं धीरे चली, और उसने जाने दिया।"),
}  # fmt: skip


def harmless() -> Iterator[tuple[str, str]]:
    """Yield each language and something harmless in it."""
    yield from ((language, text) for language, texts in HARMLESS.items() for text in texts)
