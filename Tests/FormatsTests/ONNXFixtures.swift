/// Small ONNX models by the reference package, deflated, with ONNX Runtime's output for the input
/// (i * 37 % 101) / 50 - 1 in ONNX's order.
struct ONNXFixture {
    let size: Int
    let text: String
    let output: [Float]
}

let onnxFiles: [String: ONNXFixture] = [
    "cnn2d": ONNXFixture(
        size: 3132,
        text: """
            eNqFVwtUTekX71y37r2n9LgTlUbqypiuikqYumd/aVAuqfFKHuVWtwe91O0lI8lMiV7KqxmvkFcjRZTu2SdvEzESpS\
            aFEMMQMd7+F8P8Z62ZNWuvb63v7H3267f3/s53hEKXclN6Nk0l0aIgB/tEZXhomIoWaLaB4Yo4MaWQ8L+OjkqQ9qH1\
            5itjo5QRAXFhihilWy+3XpspgdSI5scoguPcqA/0jmVIC+JUseHByndcnoZDD6YpBU2F0lQgTUXSVIKYF+ggEbsrVE\
            Fhk6JjIxUR4QsVqvDoKFqf1kg0UkcJf7IyIp6eoHl2FFMxEoGXIsknOjpCY1wUpAyPCIiMDlaaatzx/i2w/4uC9yEK\
            GU3FaLQd/8xRTC34MzU9Wjs0Njo+xpT3T/Y+ZEWP/6Dt9Ek77k9tM1qoiFdFB2hgkNBTRnuNDZjm4zN28maq17+Eps\
            mSWkBTGmxVkl6jg4NpCU1p7MVLRBOVivnJ7xKXGtDaioiYMEWf+rMTYTNF0RY0Fa+JQEwlSnQ0boMUKqkuzVckhce9\
            R4GeR1OJYp4iQaI7OkEZqwhVvkfLlDYKio6PUgWERwVFxAcr3wX5z6h9wOg/y/keim9ojSONs8S/O/sPk1oa+leThh\
            qTiWIqRCIYF6FQqZRRtBtNhdCikKBPHanZfujIhRK+hzIy8i+MtLS0iAYjaW9aRxWriIpz/wDJ5zS1UEwlSwRTokNU\
            kYqkvwEm1g6KinIMllbxhHwhT9hL2MuQcv9rAOSbeV6ybeixQcA5x59hr42whZxdXeCETsy4OYFoWr0Zm33XQ2vIYH\
            I0rp3pXv0KK9yOY1bTQJLpVMJ0+Dtwhy1F7AqX37GhYwkOuOGB0r6r8OGuQPCrOqf2i1qA234eDN/07IJ2+JIb4dPA\
            hrWeRs8r2ayviM9VrxPIDo9PUo/2ec5mbLiM+R4SNEprx1cnaO6VdRVzw+EGjvrpAVw6sgryCyZyufevMnu3XMNfts\
            2QDXmeI1u8YQLnNopjDVZcYJfzT0DTk27c8cVauGh0Df0rBKhlVYqb/IxJAhsG4bxk0pWQDj29f4K3Q0qhMTEJLZJu\
            qos9aDInUoKS3UWMgYmu+mVmMqgS+6DzlmRWnHuSkQ4Q8jWYfTwp5IaiM18yiwaVY6PqEHQ95XNSs/cvUKFyQ73XT/\
            DIlF6co+gkZBz4DD+KAuWG466eRGZnF9YvtgWhsPmTKFJueNydxzV9mwKP+zxBEzH/kyhBbuhWrkWciuwInaVNVq1Y\
            RqQj35eRElLvy/hxxuWWnlVT8OVjLW5YHxmXjzvYi56GuM7mClMwGPCa3hiUNvOF7+hjA3ycb3ktv6q6AI91TsUXo9\
            OZjjpz9M+zZlL2uhN7Mgbcgq24mHQHkpegD0Pqa/HbY9UQMu+2q++bFOyPaRijOoNWP22QnepsgaHW2vijvy08NHQj\
            mdwznPG0gUkRvmQzHjTjQ5MGjJpxuqaj0gFkrB+aulTIMrsKILT7ETP9djlcfiUD8xseYKHnSrzdUsHKciqzRJkP2T\
            I13p1M48a4YggemgYB2RZkx9jlrnrYh7uj9CAGF9thWmMzBl/XIx0zp8r0ua+4SXa2GB3rg1a3JWTEyGIMP3aefVx1\
            nbVzMcdzTjXYmryfKcj4FeoLU2H3YxYTUn5Dy/vuzBeVedion4bDtGy5Z4c9CFTXwBnVKZyrdRgWJ4lI5T4VJ7wyF7\
            vvWODwY8tAzvNge46r2aSxnLrhFEPW2c8h9LPp+Gs5i5dal5PLJacxt20ermWjZboPx4IZ1wAPrC3h7a4KFM3zhmU1\
            Z5lJjm7kedHxmu7bQs5a+zJ2LjYmbbI56JPqy51qicTNu+tG/JH0GPyOncew5ZlQ2FEMJrJcnFe6njV2cCYL7YaRN8\
            5lYPaHAJwt78C0RSHsvbPmbInTPoQmI9cxc3XYlbwcMujFBrbGikd0RwnI/GPrWJPFD6Dttj/nl2HODMsvg/VZ8VyP\
            8j6WejaD0YoGlrnTgTN0zHAp+OPtOYUQeOcrsM67yVp8nYlDs/aph1QICP1UHwa3LgVpoUjTVnPftdWnY0y+RLSgI4\
            Ed5snnSgvzMTvgO3hubsMw5tWYtmcQN8vXmQkT6+LRAgOc1q2Dowq6GOmIbobongChNYJ2mJCUWG8H/UQRmjSWq52j\
            5EA5vGEv6Slgtvs98Dfdhjnjnblb8T0QcLrLtVKSD2sihdzseAfSM2Yt+OZOYjfZGqLyBxfGbE0mm+PVyXpOuIlnvC\
            kyZF+a+k5ej6zO1ZQZnbKAq7vrC8oGHfzhwT3WZ2+nrMbmFMZWl4Jfeg5WGlVjfsE+bNFbykxRr4PWmjjcuq0f13/9\
            FdC3asHv9/dA2d1ydYl2LmYYp6O9PQMV1gfB27eYLf79CFw/MI1Ebt/Nfh72Gz562ITn/fW5Tq107HApxLp9Au6KjR\
            /M2P8d10ME3MbZk4g6qxH2SqZD3wmuoD/DmTQFzwLF8Deyhgcv0Tm4W71z4hq8tykPy8etwrSJq9RlegL0CK2A3vUC\
            bmFjFvtjOJDbdxfLniQ/geDGLpBc1CEHpGshb1ZvboxuK2v8szn6FFlw6RSgKU+Li86WcoOPlzK8phy1d9tK7Lf3KB\
            YfmIMB860w0WYwJh4sVdcqHbFniQW8lk6HWavFUF2fgbO+W4TnLBzh6rwtrEdIttrGPpU7B1lctikNNa904GWZPqkq\
            L4C32yuZCYmXXQeZibmW9gOw2iURfS54wcn2rcz1W1eZzgsHYWiJJ2b/aIF1HmXontIPt66VkupfjHHBL4+gTroLAm\
            athgHx28Cr+jw2PjWFsTskhEvNQfnsInXdwGw0ukIBff1XrGu0Jm/8+uHjP/pzS+eOJDOPnYR2xVRoGTQTmrLFmHLv\
            IJvgUQgv7tdA7VsE2wF7melCgsWzNrAv4Qasjf2MONXranL9GjNT30Lv4YUQfjYH6EAdztvEDB27J+Nxn90MLrflGB\
            cecbr6hHlm7ggG6Y9Q8IWdWn+PkGxRW3IjFr1g0vrnwpPKbOxqLQHiKMChrS9ho9EMeHj2EJNx0ItMC9gN/SgdYrLh\
            MV6KWIbeU/fAoKRqsCw5qLbctwlG1TZjqm0Zc+jpXQxP1YUGiQfWjEvH3ilVss3mLkTlfB4tFybgzJ2aY3exHQ63dS\
            ZtEw4yp781Zvj2YngxwZE0jPweHLdPgdDJ55j21wO4Wq9KfNFpQkwn7wTO0xuik5ZC2w5/HBBFw+qUKvTxsgQyehWO\
            tSlj3xz6CuxatLF70zIwPuMCv7l+BiUbBYS635dbHT+Q2xq+CCpLa+HRay+y9VoR2Al2Q2PLATQYWAT5WlnAMc3Ykn\
            cI2+44sw4D7zE3T6zhls+9JavozzLj2vJYZnULI2Nd4Jn9edyRKIXuq/Ws/NARpKbuYfZPMyX6y/pw4z1suKOeNpzu\
            Qjl5aHqONb9/VP2VyRZcWVSL91Z6c3XrVjDbtjQyO5RyzmDrJXwTvA6vhUnV61+fYp7n3gKp+ftP3cf7lFxPWaVL6i\
            60gH+AiMw01/wIiPvSxkJKrLmTCSnN4mmWQLNEgSKaShbz37Hd+bSWYe//AehwBII=
            """,
        output: [0.50245, 0.301874, 0.195676]),
    "audio1d": ONNXFixture(
        size: 1038,
        text: """
            eNptU11MHFUU5s4M7HBZmnWggE1AHRrBMcWuVkLozh1AY9tpd20Fk0qyoTM7A2xZdsvOrl2WNCWSlkDEanWNVEspiZ\
            S2sSRt0vjD3CEEI79WS8X4QP1JJcWUDbXyQgI6C7zVk9yH7zv3fOec7+bSdGkbDashiEDiuB0Ssp0BEku9EvC/zdlg\
            quL1SSFvwK+VEb3AwmVAa4Ma9Ku+Gq1eOqaWJSfIdEgdkxStjCwDCbgFWrRQ0KuoGzXQCoHEAJmlqiR/PdwFgcwAD2\
            txSpGDgYDvMUni/zS2QOCBQGOAwpLOsC+BGyBQGKCyZGVYTmCVIbR6NrkyIQKzoAkgFVWDAYaQQ2zKHilUrwZhtrlg\
            CBJSxGTDbOqbfq0prKpRFT5jJsKQaLQzRKiOTTHX90ghLg1SUsSr5ST1AgJmmD2gmWVALWt5Q12fNkHWmsYpDFFnlj\
            mlUGI6mymmQJNhQDNLlisKY5HCijdgVziRJmlAJ9tAhem26Ljzexx/kefB2cV/oZ7IA/6KZ3n36ueisSQjY2Awhv64\
            n4bG2//WSwuew8bwTuMbaw5q+mUGtRcWClwWTSZ0ZLtonScvOp7dc0m/Ff4Nc0+aHcwuZg5oovWlUyvoxbEioaOgBX\
            PpG3SDSHXsjPMcY7NUrJsk0kmbwTHmFUuFadHjXKNdpP/dDK6LpHNoan0RRWwlp7oy+ULYgLfrJ42Jha04/1YEHZjM\
            MDqnr+J9eQPG0x2kMLZwABWmxBzS2Tl9re0drOcCfeTlNb0oNKn3xdxDs3NOvvN8npDkyzSmz83yj348ifvcC3hHa9\
            Aoj0WQemcCN8Y+xd+5HSj68Fd82nV7t++JNL32+T5UF59C4kc3MD/xFTpyr0j/+vsS/sTem3rl2Geo1bWCm+9O8YHh\
            OEr7cEm/3uMSHo18gnfc7eeHv92He0db8cx787jfJWG0NDl081Q/vnzlOnINbBP4WK7x7uIAuj/3AT/PGnxNPCoQ3f\
            +g6lkKXf2hi18ZdRvtL/SgkapuPL18hi9fforPvDaKjj54XchqGkcfv0UIr+UP64cGS9FU53m0ejTDmEk/JAzWncX0\
            bcI4UVkgdC8eFlbXzuDi4hZ8vOqCANtK+D+5/QY9HsWHKaewdfU0umQ5hzInVtCrtZ0opYXGi+X5xpGfilHN+/ewuP\
            fLIW7bxmPIimirydsl7NfcKPfhiKOx5GdHdbb5vRkG2mjAWCFBg82zXU6FoJmhErCCgkm29P8AT+1pKA==
            """,
        output: [1.299379, 0.64353, -0.423174, 0.919892]),
    "mobile": ONNXFixture(
        size: 935,
        text: """
            eNpdU3FsU0UY77332r7eurC92LgxQkjHxLzpZJv0j2XvrttIRpp0gUEAtz/0tT3al73X17VsbMzEmklWQCQBFjRRGG\
            7BOTD6DyNEetcsGdOhQd2M2KihiZiBi0YXkcgf+rrtL7/Ll7vvy93v9/2+uxPFpnedcBcEA5A7Ui8B1Su0mfF+2Q3t\
            0aTZl6jgxwAne6C7hyTjRH85FVMTxM/7rbRTLodCQo2k/GBtWCn4FAQq5HQTcjFNAiELTdcSsBKCkATC3vJ23Qypek\
            s/SapRsts0dbgNgrBF3SCByDr1/8nWkTdAEJEA8Tr3alHD1CKwsQjKJQ0v7CSRvjAJEjUul0JBHSApP7dW4QYo9hCS\
            iGhGqsJmKYFeaJ2w+Bol0OsV2olhWHvsqp6IqR6bLY3HAChqIJBL9UocKdL19hFylFj8VghBrwQGvXywT5cchhnSdC\
            I/AKJDBCIv8mWg1Wpi4C4ovPYKDqVP4aa2eZZ7GEb/zvD+x9koXinpYRWf7Wbu7s25/I0USy4+wpM/TGUP7Rtmj55s\
            ZyMekY4sc7Rl6Hvq3qmzpVNteGLPMv5rsI51tT/Ddn48jeniPfbcRztYJrhER2o7UPXyJJ2qyzDjFkVX49PMt2DPyb\
            NVuVLbIfw4bM8J+114GnbgrYUjOH55P/XFnmXs5DeKj/hY5vQsW/o2h6dDx9l7yy7/Te9m/MV4CeOTDpxcuYkvfLrA\
            GrreYgX5EovMB5DsLkrUzYBgs2wtimnFKOeXM0C0r3YCrPahITAwd64GfX1Xaa6tHqXVhw/SlqoV9Df7GUV9B5TFFx\
            3s9/E0Sl/+VTFcdxS6rR4/LJlEG8/OUWV0llYeLMWFY5NK+Mo11LS3Ljt1eIY+mRfQL7dqsPFqNdrVlKd7Yp9n9x19\
            gX55cV75sHAP/dPdiW9/ZUPyG8Ursa+W0RgYeH7BRemZN5WJiR3KBx4nre9sVbZv2aQEAz/SP/PDaHQon+2+c43eFh\
            IoTbbQmeZm/OA7DX1Sc0LJv5ShWY2jY28zhOb6aeXcVXR9vIPVsvvKhe7r6PywjO53/db8+tBPKPjORVr1xw36/qWz\
            ytZFDssbRa7M2Wq9pEAZZ1szfn3u2mR9Oelp6BGBVA55CXRATuQtt1vuCLkgGJQEawlaBWgrK/0PB/E/7g==
            """,
        output: [-0.164932, -0.331703, 0.566974, 0.014402, 0.309498]),
]
